import assert from "node:assert/strict";
import { test } from "node:test";
import { isSignal } from "../../../core/graph/stop_signal.ts";

test("isSignal() knows signals by name and by number", () => {
  for (
    const signal of ["SIGTERM", "TERM", "sigusr1", "9", "64", "SIGRTMIN", "RTMIN+15", "SIGRTMAX-14"]
  ) {
    assert.equal(isSignal(signal), true, signal);
  }
  for (
    const signal of [
      "",
      "SIG",
      "SIGFOO",
      "0",
      "65",
      "-9",
      "9.5",
      "RTMIN+16",
      "RTMAX-15",
      "RTMIN-1",
      "SIGSIGTERM",
    ]
  ) {
    assert.equal(isSignal(signal), false, signal);
  }
});
