import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveInside } from "../../../core/layer/link_resolver.ts";

const LINKS: Readonly<Record<string, string>> = {
  bin: "usr/bin",
  "usr/bin/sh": "dash",
  abs: "/usr/./bin//",
  up: "../../../../etc",
  "d/rel": "../usr",
  root: "/",
  loop: "loop",
  ping: "pong",
  pong: "ping",
};

function resolve(path: string, followLast: boolean): string {
  return resolveInside(path, (at) => LINKS[at], { followLast });
}

const cases: [path: string, followed: string, unfollowed: string][] = [
  ["bin", "usr/bin", "bin"],
  ["bin/sh", "usr/bin/dash", "usr/bin/sh"],
  ["abs/sh", "usr/bin/dash", "usr/bin/sh"],
  ["up/passwd", "etc/passwd", "etc/passwd"],
  ["d/rel/bin/sh", "usr/bin/dash", "usr/bin/sh"],
  ["root/root/bin", "usr/bin", "bin"],
  ["no/such/../file", "no/file", "no/file"],
  ["../../a", "a", "a"],
  ["", "", ""],
];
for (const [path, followed, unfollowed] of cases) {
  test(`resolveInside() leads ${JSON.stringify(path)} to ${JSON.stringify(followed)}`, () => {
    assert.equal(resolve(path, true), followed);
    assert.equal(resolve(path, false), unfollowed);
  });
}

test("resolveInside() refuses loops", () => {
  for (const path of ["loop", "ping", "loop/a"]) {
    assert.throws(() => resolve(path, true), {
      code: "LAYER_INVALID",
      message: /over 255 symbolic links/,
    });
  }
  assert.equal(resolve("loop", false), "loop");
});

test("resolveInside() follows 255 links and no more", () => {
  const chain = (length: number): string =>
    resolveInside("0", (at) => Number(at) < length ? String(Number(at) + 1) : undefined, {
      followLast: true,
    });
  assert.equal(chain(255), "255");
  assert.throws(() => chain(256), { code: "LAYER_INVALID" });
});
