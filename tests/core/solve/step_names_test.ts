import assert from "node:assert/strict";
import { test } from "node:test";
import { stepNames, stepsMeant } from "../../../core/solve/step_names.ts";
import { image, inlineFile, toGraph } from "../../../mod.ts";

test("stepNames() counts the steps of each stage that touch files, as BuildKit does", () => {
  const base = image("base").from("debian:12").env("A", "1").run("make\n  install").workdir("/srv");
  const app = image().from("scratch").copy(inlineFile("a", ""), "/a").copy("/srv", "/srv", {
    from: base,
  });
  const names = [
    ...stepNames(toGraph(app, { platform: { os: "linux", architecture: "amd64" } })).values(),
  ];
  assert.deepEqual([...names].sort(), [
    "[1/2] COPY <<a /a",
    "[2/2] COPY /srv /srv",
    "[base 1/3] FROM debian:12",
    "[base 2/3] RUN make install",
    "[base 3/3] WORKDIR /srv",
  ]);
});

test("stepsMeant() takes a number as a number, and else a part of a name in any case", () => {
  const steps = [{ number: 1, name: "RUN make 2" }, { number: 2, name: "RUN Test" }];
  const numbers = (wanted: string): number[] =>
    stepsMeant(steps, wanted).map(({ number }) => number);
  assert.deepEqual(numbers("2"), [2]);
  assert.deepEqual(numbers("02"), [2]);
  assert.deepEqual(numbers("run"), [1, 2]);
  assert.deepEqual(numbers("tEST"), [2]);
  assert.deepEqual(numbers("3"), []);
  assert.deepEqual(numbers("make 3"), []);
});
