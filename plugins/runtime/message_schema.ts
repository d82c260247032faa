/**
 * What a session accepts from its worker.
 *
 * @module
 */
import * as v from "valibot";
import type { ErrorCode } from "../../core/errors.ts";
import type { DiffID } from "../../core/mod.ts";
import type { WorkerMessage } from "./protocol.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const layer = v.object({
  diffId: v.pipe(
    v.string(),
    v.regex(/^sha256:[0-9a-f]{64}$/),
    v.transform((text) => text as DiffID),
  ),
  sizeBytes: count,
  chunkLengths: v.array(count),
  entryCount: count,
});

const result = v.object({
  exitCode: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)),
  timedOut: v.boolean(),
  outOfMemory: v.exactOptional(v.boolean()),
  layer: v.exactOptional(layer),
  notes: v.array(v.string()),
});

const message = v.variant("type", [
  v.object({ type: v.literal("ready") }),
  v.object({
    type: v.literal("output"),
    id: count,
    stream: v.picklist(["stdout", "stderr"]),
    base64: v.pipe(v.string(), v.base64()),
  }),
  v.object({ type: v.literal("done"), id: count, result: v.exactOptional(result) }),
  v.object({
    type: v.literal("failed"),
    id: count,
    error: v.object({
      code: v.pipe(v.string(), v.transform((text) => text as ErrorCode)),
      message: v.string(),
      details: v.array(v.string()),
      hint: v.exactOptional(v.string()),
    }),
  }),
]);

/** Reads one line of a worker. @throws what JSON and valibot throw for anything else. */
export function parseWorkerMessage(line: string): WorkerMessage {
  return v.parse(message, JSON.parse(line));
}
