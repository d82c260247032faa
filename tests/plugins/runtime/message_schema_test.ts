import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWorkerMessage } from "../../../plugins/runtime/message_schema.ts";

test("parseWorkerMessage() takes what workers say", () => {
  const done = {
    type: "done",
    id: 3,
    result: {
      exitCode: 0,
      timedOut: false,
      layer: { diffId: `sha256:${"0".repeat(64)}`, sizeBytes: 1, chunkLengths: [1], entryCount: 0 },
      notes: ["x"],
    },
  };
  assert.deepEqual(parseWorkerMessage(JSON.stringify(done)), done);
  assert.deepEqual(parseWorkerMessage('{"type":"ready"}'), { type: "ready" });
});

test("parseWorkerMessage() refuses anything else", () => {
  for (
    const line of [
      "",
      "null",
      '{"type":"boo"}',
      '{"type":"output","id":1,"stream":"stdin","base64":""}',
      '{"type":"output","id":1,"stream":"stdout","base64":"?"}',
      '{"type":"done","id":-1}',
      '{"type":"done","id":1,"result":{"exitCode":256,"timedOut":false,"notes":[]}}',
    ]
  ) assert.throws(() => parseWorkerMessage(line), Error, line);
});
