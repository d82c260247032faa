/**
 * What an engine accepts from a worker on another machine, and that from the engine. What else a worker may say is in
 * `message_schema.ts`.
 *
 * @module
 */
import * as v from "valibot";
import type { DiffID } from "../../core/mod.ts";
import type {
  RemoteHello,
  RemoteLayerData,
  RemoteMachine,
  RemoteMount,
  RemoteRequest,
  RemoteRun,
} from "./remote_protocol.ts";
import { DATA_BYTES } from "./remote_protocol.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = (limit: number): v.GenericSchema<string> => v.pipe(v.string(), v.maxLength(limit));
const LINE = 2000;

/** Unknown members are left out: a later version may say more here. */
const hello: v.GenericSchema<unknown, RemoteHello> = v.object({
  type: v.literal("hello"),
  protocol: count,
  version: text(100),
});

const machine: v.GenericSchema<unknown, RemoteMachine> = v.object({
  type: v.literal("machine"),
  usable: v.boolean(),
  executor: v.exactOptional(text(100)),
  findings: v.pipe(
    v.array(v.object({
      name: text(100),
      found: v.boolean(),
      detail: text(LINE),
      fix: v.exactOptional(text(LINE)),
    })),
    v.maxLength(100),
  ),
});

// What base64 does not say is seen by the digest, which is cheaper.
const base64 = text(Math.ceil(DATA_BYTES / 3) * 4);

const layerData: v.GenericSchema<unknown, RemoteLayerData> = v.object({
  type: v.literal("layer"),
  id: count,
  base64,
});

const LIMITS = { trees: 10_000, mounts: 1000, words: 1_000_000 };
const trees = v.pipe(v.array(count), v.maxLength(LIMITS.trees));
const target = text(4096);
const mode = v.pipe(count, v.maxValue(0o7777));
const id = v.pipe(count, v.maxValue(0xffff_ffff));

const mount: v.GenericSchema<unknown, RemoteMount> = v.variant("type", [
  v.strictObject({
    type: v.literal("layers"),
    target,
    lowers: trees,
    source: target,
    readWrite: v.boolean(),
  }),
  v.strictObject({
    type: v.literal("cache"),
    target,
    // One name in one folder.
    name: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/)),
    readOnly: v.boolean(),
  }),
  v.strictObject({ type: v.literal("tmpfs"), target, sizeBytes: v.exactOptional(count) }),
  v.strictObject({
    type: v.literal("secret"),
    target,
    base64: v.pipe(v.string(), v.base64()),
    mode,
    uid: id,
    gid: id,
  }),
]);

const limit = v.pipe(v.number(), v.safeInteger(), v.minValue(-1));

// Strict, and complete by its type: a setting that got lost on the way would give another layer.
const runEntries = {
  lowers: trees,
  args: v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(LIMITS.words)),
  environment: v.pipe(v.array(v.string()), v.maxLength(LIMITS.words)),
  candidates: v.exactOptional(
    v.array(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(LIMITS.words))),
  ),
  workingDirectory: target,
  user: target,
  hostname: text(255),
  network: v.picklist(["default", "none", "host"]),
  security: v.picklist(["sandbox", "insecure"]),
  hosts: v.exactOptional(v.array(v.strictObject({ name: text(255), address: text(100) }))),
  shmSizeBytes: v.exactOptional(count),
  ulimits: v.exactOptional(
    v.array(v.strictObject({ name: text(20), soft: limit, hard: limit })),
  ),
  resources: v.exactOptional(
    v.strictObject({ memoryBytes: v.exactOptional(count), pids: v.exactOptional(count) }),
  ),
  mounts: v.pipe(v.array(mount), v.maxLength(LIMITS.mounts)),
  epochSeconds: v.pipe(v.number(), v.safeInteger()),
  layer: v.boolean(),
  upper: v.exactOptional(count),
  failed: v.exactOptional(count),
  timeoutMs: v.exactOptional(v.pipe(v.number(), v.minValue(0))),
} satisfies { readonly [Key in keyof Required<RemoteRun>]: unknown };

const run: v.GenericSchema<unknown, RemoteRun> = v.strictObject(runEntries);

const request: v.GenericSchema<unknown, RemoteRequest> = v.variant("type", [
  v.strictObject({ type: v.literal("open") }),
  v.strictObject({ type: v.literal("layer"), layer: count, base64 }),
  v.strictObject({
    type: v.literal("layer-end"),
    layer: count,
    diffId: v.pipe(
      v.string(),
      v.regex(/^sha256:[0-9a-f]{64}$/),
      v.transform((digest) => digest as DiffID),
    ),
  }),
  v.strictObject({
    type: v.literal("unpack"),
    id: count,
    layer: count,
    lowers: trees,
    tree: count,
  }),
  v.strictObject({ type: v.literal("run"), id: count, request: run }),
  v.strictObject({ type: v.literal("remove"), id: count, trees }),
  v.strictObject({ type: v.literal("cancel"), id: count }),
]);

/** Reads the first line of a worker. @throws what JSON and valibot throw for anything else; so do the others here. */
export const parseHello = (line: string): RemoteHello => v.parse(hello, JSON.parse(line));

/** Reads the second line of a worker. */
export const parseMachine = (line: string): RemoteMachine => v.parse(machine, JSON.parse(line));

/** Reads a line that has bytes of a layer. */
export const parseLayerData = (value: unknown): RemoteLayerData => v.parse(layerData, value);

/** Reads a line of an engine. */
export const parseRequest = (line: string): RemoteRequest => v.parse(request, JSON.parse(line));
