import assert from "node:assert/strict";
import { test } from "node:test";
import { QuietReporter } from "../../../../plugins/cli/reporters/quiet.ts";
import { completed, failed, log, plan, replay, started } from "../../../support/progress_events.ts";
import { RecordingSink } from "../../../support/virtual_terminal.ts";

test("QuietReporter writes nothing of a build that succeeds", () => {
  const sink = new RecordingSink();
  replay(new QuietReporter(sink, () => undefined), [
    plan("a"),
    started("a", 0),
    log("a", 1, "x\n"),
    completed("a", 2),
  ]);
  assert.equal(sink.text, "");
});

test("QuietReporter says why a build failed", () => {
  const sink = new RecordingSink();
  replay(new QuietReporter(sink, () => undefined), [
    plan("a"),
    started("a", 0),
    log("a", 1, "x\n"),
    failed("a", 2, "no"),
  ]);
  assert.equal(sink.text, "------\n > a:\n0.001 x\n------\n");
});
