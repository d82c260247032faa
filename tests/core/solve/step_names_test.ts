import assert from "node:assert/strict";
import { test } from "node:test";
import { stepNames } from "../../../core/solve/step_names.ts";
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
