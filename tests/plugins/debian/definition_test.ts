import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LayerwrightError } from "../../../core/errors.ts";
import { checkedDefinition } from "../../../plugins/debian/definition.ts";
import { debian, type DebianOptions } from "../../../plugins/debian/mod.ts";

const refused: readonly [what: string, options: DebianOptions, detail: RegExp][] = [
  ["a suite that is a command", { suite: "x; rm -rf /" }, /suite "x; rm -rf \/"/],
  ["a suite that is an option", { suite: "--help" }, /suite/],
  ["a suite that is a path", { suite: "../etc" }, /suite/],
  ["no suite", { suite: "" }, /suite/],
  ["a package that is an option", { suite: "sid", include: ["-o=x"] }, /package "-o=x"/],
  ["a package that is a file", { suite: "sid", include: ["./a.deb"] }, /package/],
  ["a package that is a pattern", { suite: "sid", include: ["~U"] }, /package/],
  ["a package to be removed", { suite: "sid", include: ["apt-"] }, /package/],
  ["two packages in one", { suite: "sid", include: ["a b"] }, /package/],
  ["a mirror with options", { suite: "sid", mirror: "[trusted=yes] http://a/b" }, /mirror/],
  [
    "a mirror with a password",
    { suite: "sid", mirror: "http://me:pw@mirror/debian" },
    /^mirror "http:\/\/\*\*\*@mirror\/debian" cannot be one: .* user/,
  ],
  ["a mirror on disk", { suite: "sid", mirror: "file:///srv/debian" }, /^mirror .*: not http/],
  ["a mirror with a second line", { suite: "sid", mirror: "http://a/b\ndeb c" }, /mirror/],
  ["a security mirror on disk", { suite: "sid", securityMirror: "/srv" }, /security mirror/],
  ["a component that is an option", { suite: "sid", components: ["[x]"] }, /component/],
  ["no component", { suite: "sid", components: [] }, /no components/],
  ["a snapshot that is a day", { suite: "sid", snapshot: "2025-05-20" }, /snapshot/],
  [
    "a snapshot of a mirror",
    { suite: "sid", snapshot: "20250520T000000Z", mirror: "http://a/debian" },
    /mirror of its own/,
  ],
  ["a negative age", { suite: "sid", maxAgeHours: -1 }, /maxAgeHours/],
  ["an age that is none", { suite: "sid", maxAgeHours: NaN }, /maxAgeHours/],
  // deno-lint-ignore no-explicit-any
  ["a variant nobody knows", { suite: "sid", variant: "tiny" as any }, /variant "tiny"/],
];

for (const [what, options, detail] of refused) {
  test(`debian() refuses ${what}`, () => {
    assert.throws(() => debian(options), (error) => {
      assert.ok(error instanceof LayerwrightError);
      assert.equal(error.code, "OPTION_INVALID");
      assert.match(error.details.join("\n"), detail);
      return true;
    });
  });
}

test("debian() tells all that is wrong at once", () => {
  assert.throws(() => debian({ suite: "A", mirror: "b", include: ["C"] }), (error) => {
    assert.ok(error instanceof LayerwrightError);
    assert.equal(error.details.length, 3);
    return true;
  });
});

test("debian() takes names, versions, mirrors and ages as they are in use", () => {
  const { identifier, attributes } = debian({
    suite: "bookworm",
    variant: "apt",
    include: ["g++", "libstdc++6", "hello=2.10-3", "openssl=1:3.0.15-1~deb12u1", "g++"],
    components: ["main", "non-free-firmware"],
    slim: true,
    mirror: "https://mirror.example.org:8443/pub/debian",
    securityMirror: false,
    maxAgeHours: 0.5,
  });
  assert.equal(identifier, "debian://bookworm");
  assert.deepEqual(checkedDefinition({ identifier, attributes }), {
    suite: "bookworm",
    variant: "apt",
    include: ["g++", "hello=2.10-3", "libstdc++6", "openssl=1:3.0.15-1~deb12u1"],
    components: ["main", "non-free-firmware"],
    slim: true,
    mirror: "https://mirror.example.org:8443/pub/debian",
    securityMirror: false,
    maxAgeHours: 0.5,
  });
});

test("debian() says nothing of defaults, and the order of packages does not matter", () => {
  assert.deepEqual(debian({ suite: "sid", include: [], slim: false }).attributes, {});
  const packages = ["curl", "git", "jq"];
  fc.assert(
    fc.property(fc.shuffledSubarray(packages, { minLength: 3 }), (include) => {
      assert.equal(debian({ suite: "sid", include }).attributes.include, "curl,git,jq");
    }),
    { seed: 1 },
  );
});

test("checkedDefinition() lets nothing through that a program would take for an option or a shell for syntax (seed 2)", () => {
  const words = fc.string({ unit: "grapheme", maxLength: 12 });
  fc.assert(
    fc.property(words, words, words, (suite, include, mirror) => {
      let definition;
      try {
        definition = checkedDefinition({
          identifier: `debian://${suite}`,
          attributes: { include, mirror: `http://${mirror}` },
        });
      } catch (error) {
        assert.ok(error instanceof LayerwrightError && error.code === "OPTION_INVALID");
        return;
      }
      for (const word of [definition.suite, ...definition.include, definition.mirror ?? ""]) {
        assert.match(word, /^[a-z0-9][A-Za-z0-9.+:~=/_-]*$/);
      }
    }),
    { seed: 2, numRuns: 2000 },
  );
});

test("checkedDefinition() refuses options that there are not", () => {
  assert.throws(
    () => checkedDefinition({ identifier: "debian://sid", attributes: { keyring: "/tmp/mine" } }),
    { code: "OPTION_INVALID" },
  );
});
