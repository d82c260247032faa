import assert from "node:assert/strict";
import { test } from "node:test";
import { likeness } from "../../../core/solve/likeness.ts";

const run = (script: string, root = "sha256:1"): object => ({
  kind: "run",
  args: ["/bin/sh", "-c", script],
  root,
  environment: ["PATH=/bin"],
  mounts: [],
});
const copy = (destination: string, ...names: readonly string[]): object => ({
  kind: "copy",
  destination,
  names,
  onto: {},
});

test("likeness() prefers the same command elsewhere to another command in its place", () => {
  const now = run("make", "sha256:2");
  assert.ok(likeness(run("make"), now, false) > likeness(run("test"), now, true));
});

test("likeness() takes a run step for the changed one of its place", () => {
  assert.ok(likeness(run("make"), run("test"), true) > 0);
  assert.equal(likeness(run("make"), run("test"), false), 0);
});

test("likeness() knows a copy by its sources or its destination", () => {
  const now = copy("/srv", "src", "lib");
  const scores = [
    copy("/srv", "src", "lib"),
    copy("/opt", "lib", "src"),
    copy("/opt", "src"),
    copy("/opt", "other"),
  ].map((before) => likeness(before, now, true));
  assert.deepEqual(scores, scores.toSorted((a, b) => b - a));
  assert.ok((scores[2] ?? 0) > 0);
  assert.equal(scores[3], 0);
});
