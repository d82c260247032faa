import assert from "node:assert/strict";
import { test } from "node:test";
import { archiveOf } from "../../../plugins/debian/archive.ts";
import { bootstrapFailure } from "../../../plugins/debian/bootstrap.ts";
import { checkedDefinition } from "../../../plugins/debian/definition.ts";

const definition = checkedDefinition({ identifier: "debian://sid", attributes: {} });
const archive = archiveOf(definition, {});

/** What mmdebstrap 1.3.5 printed, and what the hint has to speak of. */
const failures: readonly [what: string, lines: readonly string[], hint: RegExp][] = [
  [
    "a package that there is not",
    ["Building dependency tree...", "E: Unable to locate package no-such-package"],
    /include/,
  ],
  [
    "a user without subordinate ids",
    ["W: /etc/subuid is empty", "E: failed to parse /etc/subuid and /etc/subgid"],
    /uidmap/,
  ],
  [
    "a key that the keyring lacks",
    ["W: GPG error: http://deb.debian.org/debian sid InRelease: NO_PUBKEY 6ED0E7B82643E131"],
    /debian-archive-keyring/,
  ],
  [
    "a mirror that nobody updates",
    ["E: Release file for http://deb.debian.org/debian/dists/sid/InRelease is expired"],
    /clock/,
  ],
  ["a disk that is full", ["E: Write error - write (28: No space left on device)"], /TMPDIR/],
  ["a foreign architecture", ["E: install the arch-test package"], /qemu-user-static/],
  ["anything else", ["E: Sub-process dpkg returned an error code (1)"], /lines above/],
];

for (const [what, lines, hint] of failures) {
  test(`bootstrapFailure() shows the last lines and a fix for ${what}`, () => {
    const request = { definition, archive };
    const error = bootstrapFailure(request, { exitCode: 1, lines: ["I: running", ...lines] });
    assert.equal(error.code, "DEBIAN_FAILED");
    assert.match(error.message, /"sid" from http:\/\/deb\.debian\.org\/debian sid main: /);
    assert.deepEqual(error.details, lines.filter((line) => /^[EW]:/.test(line)));
    assert.match(error.hint ?? "", hint);
  });
}

test("bootstrapFailure() shows what there is when no line is an error", () => {
  const lines = Array.from({ length: 50 }, (_, i) => `line ${i}`);
  const error = bootstrapFailure({ definition, archive }, { exitCode: null, lines });
  assert.match(error.message, /ended with a signal/);
  assert.deepEqual(error.details, lines.slice(-12));
});
