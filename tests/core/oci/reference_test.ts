import assert from "node:assert/strict";
import { test } from "node:test";
import type { LayerwrightError } from "../../../core/errors.ts";
import { familiarReference, formatReference, parseReference } from "../../../core/oci/reference.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const LONG_PATH = "a/".repeat(127) + "a";

// Checked against github.com/distribution/reference v0.6.0 (ParseNormalizedNamed, TagNameOnly, FamiliarString).
const GOOD: readonly (readonly [text: string, canonical: string, familiar: string])[] = [
  ["debian", "docker.io/library/debian:latest", "debian:latest"],
  ["debian:12", "docker.io/library/debian:12", "debian:12"],
  ["library/debian", "docker.io/library/debian:latest", "debian:latest"],
  ["docker.io/debian", "docker.io/library/debian:latest", "debian:latest"],
  ["index.docker.io/debian", "docker.io/library/debian:latest", "debian:latest"],
  ["docker.io/library/debian", "docker.io/library/debian:latest", "debian:latest"],
  ["team/app:1", "docker.io/team/app:1", "team/app:1"],
  ["a/b/c", "docker.io/a/b/c:latest", "a/b/c:latest"],
  ["library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"],
  [`app@${DIGEST}`, `docker.io/library/app@${DIGEST}`, `app@${DIGEST}`],
  [`app:1@${DIGEST}`, `docker.io/library/app:1@${DIGEST}`, `app:1@${DIGEST}`],
  ["localhost/app", "localhost/app:latest", "localhost/app:latest"],
  ["localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"],
  ["localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"],
  [
    "registry.example/app:v1.0_x-y",
    "registry.example/app:v1.0_x-y",
    "registry.example/app:v1.0_x-y",
  ],
  ["127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b:latest", "127.0.0.1:5000/a/b:latest"],
  ["[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"],
  ["[2001:db8::1]/app", "[2001:db8::1]/app:latest", "[2001:db8::1]/app:latest"],
  ["Upper/app", "Upper/app:latest", "Upper/app:latest"],
  ["REGISTRY.example/app", "REGISTRY.example/app:latest", "REGISTRY.example/app:latest"],
  ["a_b/c__d/e---f/g.h", "docker.io/a_b/c__d/e---f/g.h:latest", "a_b/c__d/e---f/g.h:latest"],
  ["xn--n3h.com/app", "xn--n3h.com/app:latest", "xn--n3h.com/app:latest"],
  ["app:_x", "docker.io/library/app:_x", "app:_x"],
  [`app:${"t".repeat(128)}`, `docker.io/library/app:${"t".repeat(128)}`, `app:${"t".repeat(128)}`],
  [`x.io/${LONG_PATH}`, `x.io/${LONG_PATH}:latest`, `x.io/${LONG_PATH}:latest`],
];

for (const [text, canonical, familiar] of GOOD) {
  test(`parseReference() reads ${text.slice(0, 60)}`, () => {
    assert.equal(formatReference(parseReference(text)), canonical);
    assert.equal(familiarReference(parseReference(text)), familiar);
    assert.equal(formatReference(parseReference(familiar)), canonical);
  });
}

const BAD: readonly (readonly [text: string, says: RegExp])[] = [
  ["", /empty/],
  [":tag", /empty/],
  ["@" + DIGEST, /empty/],
  ["a".repeat(64), /image ID/],
  ["app:", /tag is empty/],
  ["app:-x", /"-x" cannot be a tag/],
  ["app:a b", /"a b" cannot be a tag/],
  [`app:${"t".repeat(129)}`, /129 characters, at most 128/],
  ["app@", /"" is not a digest/],
  ["app@sha256:abc", /"sha256:abc" is not a digest/],
  [`app@${DIGEST.toUpperCase()}`, /is not a digest/],
  [`app@${DIGEST}:x`, /is not a digest/],
  ["a//b", /empty/],
  ["/app", /empty/],
  ["app/", /empty/],
  ["a/../b", /"\.\." cannot be part/],
  ["-app", /"-app" cannot be part/],
  ["app-", /"app-" cannot be part/],
  ["a..b", /"a\.\.b" cannot be part/],
  ["a___b", /"a___b" cannot be part/],
  ["a b", /"a b" cannot be part/],
  ["app\n", /cannot be part/],
  ["ünï", /cannot be part/],
  ["-x.y/app", /"-x\.y" is not a registry/],
  ["x.y:port/app", /"x\.y:port" is not a registry/],
  ["http://x.y/app", /"http:" is not a registry/],
  ["[::1/app", /"\[::1" is not a registry/],
  [`x.io/${LONG_PATH}/b`, /257 characters, at most 255/],
];

for (const [text, says] of BAD) {
  test(`parseReference() rejects ${JSON.stringify(text).slice(0, 60)}`, () => {
    assert.throws(() => parseReference(text), (error: LayerwrightError) => {
      assert.equal(error.code, "REFERENCE_INVALID");
      assert.match(error.message, says);
      return true;
    });
  });
}

for (
  const [text, suggestion] of [
    ["App", "app"],
    ["My/App", "my/app"],
    ["team/App:V1", "team/app"],
    ["localhost:5000/Team/App", "localhost:5000/team/app"],
  ] as const
) {
  test(`parseReference() suggests lower case for ${text}`, () => {
    assert.throws(() => parseReference(text), (error: LayerwrightError) => {
      assert.equal(error.code, "REFERENCE_INVALID");
      assert.match(error.message, /repository names are lower case/);
      assert.equal(error.hint, `write ${JSON.stringify(suggestion)}`);
      return true;
    });
  });
}
