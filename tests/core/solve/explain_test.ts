import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { explainDifference, type RecipeTerms } from "../../../core/solve/explain.ts";
import { isEqualJson } from "../../../core/solve/first_difference.ts";

type Preimage = Readonly<Record<string, unknown>>;

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const file = (path: string, content: string, change: Preimage = {}): Preimage => ({
  path,
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 1204,
  content: digest(content),
  ...change,
});
const copyOf = (...entries: readonly Preimage[]): Preimage => ({
  compat: 1,
  kind: "copy",
  destination: "/srv",
  intoDirectory: false,
  createdMode: 0o755,
  extract: "never",
  epoch: 0,
  items: [{ path: "src", isDirectory: true, entries }],
  onto: {},
});
const run: Preimage = {
  compat: 1,
  kind: "run",
  root: digest("1"),
  platform: { os: "linux", architecture: "amd64" },
  args: ["/bin/sh", "-c", "make all"],
  environment: ["PATH=/bin", "MODE=a"],
  workingDirectory: "/",
  user: "",
  network: "default",
  security: "sandbox",
  hostname: "h",
  epoch: 0,
  mounts: [{ type: "bind", target: "/m", source: "/", readWrite: false, content: digest("2") }],
};

function text(before: Preimage, after: Preimage, terms?: RecipeTerms): string | undefined {
  return explainDifference(before, after, terms)?.text;
}

test("explainDifference() has a sentence for each change of a file", () => {
  const before = copyOf(file("a", "a"), file("b", "b"));
  const cases: readonly (readonly [readonly Preimage[], string])[] = [
    [
      [file("a", "c", { size: 1300 }), file("b", "b")],
      'file "web/src/a": content changed (1,204 → 1,300 bytes)',
    ],
    [[file("a", "c"), file("b", "b")], 'file "web/src/a": content changed (1,204 bytes as before)'],
    [[file("a", "a", { mode: 0o755 }), file("b", "b")], 'file "web/src/a": mode 0644 → 0755'],
    [[file("a", "a"), file("b", "b"), file("c", "c")], 'file "web/src/c" is new'],
    [[file("b", "b")], 'file "web/src/a" is gone'],
    [[file("b", "b"), file("c", "a")], 'file "web/src/a" was renamed to "web/src/c"'],
    [
      [file("a", "x"), file("b", "y"), file("c", "z")],
      'file "web/src/a": content changed (1,204 bytes as before); 2 other files differ',
    ],
    [
      [{ path: "a", type: "symlink", mode: 0o777, uid: 0, gid: 0, link: "b" }, file("b", "b")],
      'link "web/src/a": file → symlink',
    ],
    [
      [file("a", "a", { xattrs: { "user.a": "00" } }), file("b", "b")],
      'file "web/src/a": extended attribute "user.a" is new',
    ],
  ];
  for (const [entries, expected] of cases) {
    assert.equal(text(before, copyOf(...entries), { sources: ["web/src"] }), expected);
  }
});

test("explainDifference() gives old and new value with the path of the input", () => {
  assert.deepEqual(
    explainDifference(run, { ...run, environment: ["PATH=/bin", "MODE=b"] }),
    { path: "environment.MODE", before: "a", after: "b", text: 'ENV MODE changed: "a" → "b"' },
  );
});

test("explainDifference() asks for base, command, environment and mounts in this order", () => {
  const changes: readonly (readonly [Preimage, RegExp])[] = [
    [{ mounts: [] }, /^bind mount at "\/m" is gone$/],
    [{ environment: ["PATH=/bin"] }, /^variable MODE is gone: was "a"$/],
    [{ args: ["/bin/sh", "-c", "make one"] }, /^command changed: "make all" → "make one"$/],
    [{ root: digest("3") }, /^base changed: sha256:1{12}… → sha256:3{12}…$/],
    [{ compat: 2 }, /^compat changed: 1 → 2/],
  ];
  let after = run;
  for (const [change, expected] of changes) {
    after = { ...after, ...change };
    assert.match(text(run, after) ?? "", expected);
  }
});

test("explainDifference() tells ARG from ENV, and a shell from a script", () => {
  const after = { ...run, environment: [...run.environment as string[], "V=1"] };
  assert.equal(text(run, after, { buildArguments: new Set(["V"]) }), 'ARG V is new: "1"');
  assert.equal(text(run, after), 'ENV V is new: "1"');
  assert.match(
    text(run, { ...run, args: ["/bin/bash", "-c", "make all"] }) ?? "",
    /^shell changed/,
  );
});

test("explainDifference() shows no secrets, in text or data", () => {
  const withValue = (name: string, value: string): Preimage => ({
    ...run,
    environment: [`${name}=${value}`],
  });
  for (
    const [name, value] of [
      ["NPM_TOKEN", "hunter2"],
      ["DB_PASSWORD", "hunter2"],
      ["HTTP_PROXY", "http://me:hunter2@proxy"],
    ] as const
  ) {
    const shown = JSON.stringify(explainDifference(withValue(name, "old"), withValue(name, value)));
    assert.ok(shown.includes(name) && !shown.includes("hunter2"), shown);
  }
  const make = (content: string): Preimage => ({
    compat: 1,
    kind: "file",
    actions: [{ kind: "mkfile", path: "/a", mode: 0o600, text: content }],
  });
  const shown = JSON.stringify(explainDifference(make("x"), make("hunter2")));
  assert.ok(shown.includes("1 → 7 characters") && !shown.includes("hunter2"), shown);
});

test("explainDifference() keeps to one short line, and shows where long texts differ", () => {
  const script = (end: string): Preimage => ({
    ...run,
    args: ["/bin/sh", "-c", `${"x".repeat(1e6)}\n${end}`],
  });
  const difference = explainDifference(script("one"), script("two"));
  assert.match(difference?.text ?? "", /one" → .*two"$/);
  assert.ok(JSON.stringify(difference).length < 1200);
  assert.ok((difference?.text.length ?? 0) < 200 && difference?.text.includes("\n") === false);
});

test("explainDifference() names an order that changed", () => {
  const swapped = { ...run, environment: ["MODE=a", "PATH=/bin"] };
  assert.match(text(run, swapped) ?? "", /^order of variables changed: "PATH MODE" → "MODE PATH"$/);
  const [a, b] = ["a", "b"].map((path) => ({
    path,
    isDirectory: false,
    entries: [file(path, path)],
  }));
  const copy = { ...copyOf(), items: [a, b] };
  assert.match(
    text(copy, { ...copy, items: [b, a] }) ?? "",
    /^order of sources changed: "a b" → "b a"$/,
  );
});

test("explainDifference() finds one exactly when preimages differ (seed 11)", () => {
  const entry = fc.record({
    path: fc.constantFrom("a", "b", "c"),
    type: fc.constantFrom("file", "symlink"),
    mode: fc.constantFrom(0o644, 0o755),
    content: fc.constantFrom(digest("a"), digest("b")),
    size: fc.nat(1),
  });
  const item = fc.record({
    path: fc.constantFrom("a", "b"),
    isDirectory: fc.boolean(),
    entries: fc.uniqueArray(entry, { maxLength: 2, selector: ({ path }) => path }),
    times: fc.option(fc.array(fc.nat(1), { maxLength: 2 }), { nil: undefined }),
  });
  const copy = fc.record({
    compat: fc.nat(1),
    kind: fc.constant("copy"),
    destination: fc.constantFrom("/a", "/b"),
    intoDirectory: fc.boolean(),
    items: fc.array(item, { maxLength: 2 }),
    onto: fc.dictionary(fc.constantFrom("a", "b"), fc.record({ mode: fc.nat(1) })),
    owner: fc.option(fc.record({ uid: fc.nat(1), gid: fc.nat(1) }), { nil: undefined }),
    unknown: fc.nat(1),
  });
  const step = fc.record({
    kind: fc.constant("run"),
    args: fc.array(fc.constantFrom("a", "b"), { maxLength: 2 }),
    environment: fc.uniqueArray(fc.constantFrom("A=1", "B=1", "C=1"), { maxLength: 2 }),
    mounts: fc.array(
      fc.record({ target: fc.constantFrom("/a", "/b"), content: fc.nat(1) }),
      { maxLength: 2 },
    ),
    root: fc.constantFrom(null, digest("a")),
  });
  for (const preimage of [copy, step]) {
    fc.assert(
      fc.property(
        preimage as fc.Arbitrary<Preimage>,
        preimage as fc.Arbitrary<Preimage>,
        (a, b) => {
          const stored = JSON.parse(JSON.stringify(a)) as Preimage;
          const difference = explainDifference(stored, b);
          assert.equal(difference === undefined, isEqualJson(stored, b));
          assert.equal(explainDifference(stored, a), undefined);
          if (difference !== undefined) {
            assert.ok(difference.text !== "" && !difference.text.includes("\n"));
          }
        },
      ),
      { seed: 11, numRuns: 500 },
    );
  }
});
