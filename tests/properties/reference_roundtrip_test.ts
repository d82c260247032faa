import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LayerwrightError } from "../../core/errors.ts";
import { type Digest, sha256 } from "../../core/oci/digest.ts";
import {
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
} from "../../core/oci/reference.ts";

const SEED = 20260101;
const settings = { seed: SEED, numRuns: 500 };

const alphanumeric = fc.stringMatching(/^[a-z0-9]{1,6}$/);
const pathComponent = fc.array(
  fc.tuple(alphanumeric, fc.constantFrom(".", "_", "__", "-", "---")),
  { maxLength: 2 },
)
  .chain((parts) => alphanumeric.map((last) => parts.map((part) => part.join("")).join("") + last));
const path = fc.array(pathComponent, { minLength: 1, maxLength: 4 }).map((parts) =>
  parts.join("/")
);
const domain = fc.oneof(
  fc.constantFrom(
    "docker.io",
    "localhost",
    "localhost:5000",
    "[::1]:5000",
    "[fe80::1]",
    "10.0.0.1",
    "Upper",
  ),
  fc.stringMatching(/^[a-zA-Z0-9]{1,5}(-[a-zA-Z0-9]{1,3})?\.[a-z]{2,4}(:[0-9]{1,5})?$/),
);
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}$/);
const digest: fc.Arbitrary<Digest> = fc.string().map((text) => sha256(text));

/** References as parseReference() gives them: nothing left to guess. */
const reference: fc.Arbitrary<Reference> = fc.record({
  domain,
  path,
  name: fc.oneof(
    fc.record({ tag }),
    fc.record({ digest }),
    fc.record({ tag, digest }),
  ),
}).map(({ domain, path, name }) => ({
  domain,
  path: domain === "docker.io" && !path.includes("/") ? `library/${path}` : path,
  ...name,
}));

test(`parseReference(formatReference(r)) is r, seed ${SEED}`, () => {
  fc.assert(
    fc.property(reference, (r) => assert.deepEqual(parseReference(formatReference(r)), r)),
    settings,
  );
});

test(`parseReference(familiarReference(r)) is r, seed ${SEED}`, () => {
  fc.assert(
    fc.property(reference, (r) => assert.deepEqual(parseReference(familiarReference(r)), r)),
    settings,
  );
});

test(`parseReference() gives a fixed point or REFERENCE_INVALID for any text, seed ${SEED}`, () => {
  const piece = fc.constantFrom(
    "a",
    "B",
    "0",
    ".",
    "_",
    "-",
    ":",
    "/",
    "@",
    "sha256:",
    "[",
    "]",
    "é",
    " ",
    "library/",
    "docker.io/",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
  );
  fc.assert(
    fc.property(text, (input) => {
      let parsed: Reference;
      try {
        parsed = parseReference(input);
      } catch (error) {
        assert.ok(error instanceof LayerwrightError && error.code === "REFERENCE_INVALID");
        return;
      }
      assert.deepEqual(parseReference(formatReference(parsed)), parsed);
      assert.deepEqual(parseReference(familiarReference(parsed)), parsed);
    }),
    { ...settings, numRuns: 3000 },
  );
});
