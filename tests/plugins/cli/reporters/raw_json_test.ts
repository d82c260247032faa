import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProgressEvent } from "../../../../core/solve/progress.ts";
import { RawJsonReporter } from "../../../../plugins/cli/reporters/raw_json.ts";
import {
  cached,
  completed,
  digestOf,
  failed,
  log,
  missed,
  plan,
  replay,
  started,
  status,
} from "../../../support/progress_events.ts";
import { RecordingSink } from "../../../support/virtual_terminal.ts";

function linesOf(events: readonly ProgressEvent[]): unknown[] {
  const sink = new RecordingSink();
  replay(new RawJsonReporter(sink), events);
  assert.ok(sink.text.endsWith("\n"));
  return sink.text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

const second = Date.UTC(2026, 10, 22, 1, 33, 40);
const a = digestOf("a");

test("RawJsonReporter writes BuildKit's SolveStatus, one object a line", () => {
  const vertex = { digest: a, name: "a", started: "2026-11-22T01:33:40Z" };
  assert.deepEqual(
    linesOf([
      plan("a"),
      started("a", second),
      log("a", second + 120, "é\n", "stderr"),
      status("a", second + 123, { id: "x", current: 0, total: 5 }),
      status("a", second + 500, { id: "x", current: 5, total: 5, done: true }),
      completed("a", second + 1000),
    ]),
    [
      { vertexes: [{ digest: a, name: "a" }] },
      { vertexes: [vertex] },
      { logs: [{ vertex: a, stream: 2, data: "w6kK", timestamp: "2026-11-22T01:33:40.12Z" }] },
      {
        statuses: [{
          id: "x",
          vertex: a,
          total: 5,
          current: 0,
          timestamp: "2026-11-22T01:33:40.123Z",
          started: "2026-11-22T01:33:40.123Z",
        }],
      },
      {
        statuses: [{
          id: "x",
          vertex: a,
          total: 5,
          current: 5,
          timestamp: "2026-11-22T01:33:40.5Z",
          started: "2026-11-22T01:33:40.123Z",
          completed: "2026-11-22T01:33:40.5Z",
        }],
      },
      { vertexes: [{ ...vertex, completed: "2026-11-22T01:33:41Z" }] },
    ],
  );
});

test("RawJsonReporter marks cached, failed and cancelled vertices as BuildKit's readers expect", () => {
  const time = "2026-11-22T01:33:40Z";
  assert.deepEqual(
    linesOf([
      plan("a", "b", "c"),
      cached("a", second),
      failed("b", second, "exit code: 3"),
      failed("c", second, "stopped", true),
    ]).slice(1),
    [
      { vertexes: [{ digest: a, name: "a", started: time, completed: time, cached: true }] },
      { vertexes: [{ digest: digestOf("b"), name: "b", completed: time, error: "exit code: 3" }] },
      {
        vertexes: [{
          digest: digestOf("c"),
          name: "c",
          completed: time,
          error: "stopped: context canceled",
        }],
      },
    ],
  );
});

test("RawJsonReporter keeps inputs, warnings and reasons to run", () => {
  assert.deepEqual(
    linesOf([
      { type: "plan", vertices: [{ digest: a, inputs: [digestOf("b")], name: "a" }] },
      missed("a", "src changed"),
      { type: "warning", vertex: a, text: "hm" },
      { type: "warning", text: "hm" },
    ]),
    [
      { vertexes: [{ digest: a, inputs: [digestOf("b")], name: "a" }] },
      { misses: [{ vertex: a, reason: "src changed" }] },
      { warnings: [{ vertex: a, level: 1, short: "aG0=" }] },
      { warnings: [{ level: 1, short: "aG0=" }] },
    ],
  );
});
