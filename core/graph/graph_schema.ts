/**
 * The form of a graph as JSON. Unknown keys are refused: what is not understood must not be left out of a digest.
 *
 * @module
 */
import * as v from "valibot";
import { GRAPH_SCHEMA } from "./graph.ts";
import type { Op, RunOp } from "./op.ts";

/** Longer texts are refused before they are parsed. */
export const MAX_TEXT_LENGTH: number = 256 * 1024 * 1024;
const MAX_VERTICES = 100_000;
const MAX_STRING_LENGTH = 1024 * 1024;
const MAX_LIST_LENGTH = 100_000;

/** The document, checked. Digests are strings that look like one. */
export interface GraphDocument {
  readonly schema: typeof GRAPH_SCHEMA;
  readonly vertices: readonly {
    readonly digest: string;
    readonly op: Op;
    readonly inputs: readonly string[];
  }[];
  readonly targets: readonly { readonly name: string; readonly vertex: string }[];
  readonly metadata: readonly {
    readonly vertex: string;
    readonly at?: {
      readonly file: string;
      readonly line: number;
      readonly column?: number;
      readonly text?: string;
    };
    readonly stage?: string;
    readonly label?: string;
  }[];
  readonly contexts: readonly { readonly name: string; readonly path: string }[];
}

const string = v.pipe(
  v.string(),
  v.maxLength(MAX_STRING_LENGTH, `more than ${MAX_STRING_LENGTH} characters`),
);
const integer = v.pipe(
  v.number(),
  v.safeInteger("not an integer"),
  v.check((value) => !Object.is(value, -0), "not an integer"),
);
const boolean = v.boolean();
const strings = list(string);
const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, "not a sha256 digest"));
const optionalString = v.exactOptional(string);
const optionalInteger = v.exactOptional(integer);

// valibot's own record() drops keys named "constructor" and the like, which are lawful variables.
const stringMap = v.custom<Readonly<Record<string, string>>>(
  (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.entries(value).every((pair) => pair.every((item) => v.is(string, item))),
  "not a map of strings",
);

function list<S extends v.GenericSchema>(item: S): v.GenericSchema<unknown, v.InferOutput<S>[]> {
  return v.pipe(v.array(item), v.maxLength(MAX_LIST_LENGTH, `more than ${MAX_LIST_LENGTH} items`));
}

const platform = v.strictObject({ os: string, architecture: string, variant: optionalString });
const owner = v.strictObject({ user: string, group: optionalString });
const pairs = list(v.strictObject({ name: string, value: string }));
const command = v.variant("form", [
  v.strictObject({ form: v.literal("shell"), script: string }),
  v.strictObject({ form: v.literal("exec"), args: strings }),
]);

const source = v.strictObject({
  type: v.literal("source"),
  identifier: string,
  attributes: stringMap,
  platform,
});

const context = v.strictObject({
  type: v.literal("context"),
  name: string,
  include: strings,
  ignore: strings,
});

const copy = v.strictObject({
  type: v.literal("copy"),
  instruction: v.picklist(["COPY", "ADD"]),
  sources: strings,
  inline: list(v.strictObject({ name: string, text: string })),
  destination: string,
  owner: v.exactOptional(owner),
  mode: v.variant("kind", [
    v.strictObject({ kind: v.literal("executable-bit") }),
    v.strictObject({ kind: v.literal("preserve") }),
    v.strictObject({ kind: v.literal("chmod"), spec: string }),
  ]),
  keepTimes: boolean,
  link: boolean,
  parents: boolean,
  exclude: strings,
  optional: boolean,
  extract: v.picklist(["never", "local", "always"]),
});

const fileAction = v.variant("kind", [
  v.strictObject({
    kind: v.literal("mkdir"),
    path: string,
    mode: integer,
    owner: v.exactOptional(owner),
  }),
  v.strictObject({
    kind: v.literal("mkfile"),
    path: string,
    mode: integer,
    text: string,
    owner: v.exactOptional(owner),
  }),
  v.strictObject({ kind: v.literal("symlink"), path: string, target: string }),
  v.strictObject({ kind: v.literal("rm"), path: string, optional: boolean }),
]);

const file = v.strictObject({
  type: v.literal("file"),
  instruction: v.exactOptional(v.literal("WORKDIR")),
  actions: list(fileAction),
});

const account = { mode: integer, uid: integer, gid: integer } as const;
const mount = v.variant("type", [
  v.strictObject({
    type: v.literal("bind"),
    target: string,
    input: integer,
    source: string,
    readWrite: boolean,
  }),
  v.strictObject({
    type: v.literal("cache"),
    target: string,
    id: string,
    sharing: v.picklist(["shared", "private", "locked"]),
    ...account,
    readOnly: boolean,
    input: optionalInteger,
    source: optionalString,
  }),
  v.strictObject({ type: v.literal("tmpfs"), target: string, sizeBytes: optionalInteger }),
  v.strictObject({
    type: v.literal("secret"),
    id: string,
    target: optionalString,
    environment: optionalString,
    required: boolean,
    invalidates: v.exactOptional(v.literal(true)),
    ...account,
  }),
  v.strictObject({
    type: v.literal("ssh"),
    id: string,
    target: optionalString,
    required: boolean,
    ...account,
  }),
]);

const run = v.strictObject({
  type: v.literal("run"),
  command,
  mounts: list(mount),
  network: v.picklist(["default", "none", "host"]),
  security: v.picklist(["sandbox", "insecure"]),
  environment: stringMap,
  user: optionalString,
  workingDirectory: optionalString,
  timeoutMs: optionalInteger,
  hosts: v.exactOptional(list(v.strictObject({ name: string, address: string }))),
  shmSizeBytes: optionalInteger,
  ulimits: v.exactOptional(list(v.strictObject({ name: string, soft: integer, hard: integer }))),
  resources: v.exactOptional(
    v.strictObject({ memoryBytes: optionalInteger, pids: optionalInteger }),
  ),
  cache: v.exactOptional(v.union([
    v.literal("never"),
    v.strictObject({ ttlMs: integer }),
    v.strictObject({ key: string }),
  ])),
});

/** A RUN step alone. */
export const runOpSchema: v.GenericSchema<unknown, RunOp> = run;

const healthcheck = v.variant("kind", [
  v.strictObject({ kind: v.literal("none") }),
  v.strictObject({
    kind: v.literal("test"),
    command,
    intervalMs: optionalInteger,
    timeoutMs: optionalInteger,
    startPeriodMs: optionalInteger,
    startIntervalMs: optionalInteger,
    retries: optionalInteger,
  }),
]);

const change = v.variant("kind", [
  v.strictObject({ kind: v.literal("env"), variables: pairs }),
  v.strictObject({
    kind: v.literal("arg"),
    variables: list(v.strictObject({ name: string, value: optionalString })),
  }),
  v.strictObject({
    kind: v.literal("label"),
    labels: pairs,
    unrecorded: v.exactOptional(v.literal(true)),
  }),
  v.strictObject({ kind: v.literal("workdir"), path: string }),
  v.strictObject({ kind: v.literal("user"), user: string }),
  v.strictObject({ kind: v.literal("expose"), ports: strings }),
  v.strictObject({ kind: v.literal("volume"), paths: strings }),
  v.strictObject({
    kind: v.literal("entrypoint"),
    command,
    keepsCommand: v.exactOptional(v.literal(true)),
  }),
  v.strictObject({ kind: v.literal("cmd"), command }),
  v.strictObject({ kind: v.literal("shell"), shell: strings }),
  v.strictObject({ kind: v.literal("healthcheck"), healthcheck }),
  v.strictObject({ kind: v.literal("stop-signal"), signal: string }),
  v.strictObject({ kind: v.literal("onbuild"), instruction: string }),
  v.strictObject({ kind: v.literal("author"), author: string }),
  v.strictObject({ kind: v.literal("annotation"), annotations: pairs }),
]);

const op: v.GenericSchema<unknown, Op> = v.variant("type", [
  source,
  context,
  copy,
  file,
  run,
  v.strictObject({ type: v.literal("merge") }),
  v.strictObject({ type: v.literal("diff") }),
  v.strictObject({ type: v.literal("config"), change }),
]);

/** The whole document. */
export const graphSchema: v.GenericSchema<unknown, GraphDocument> = v.strictObject({
  schema: v.literal(GRAPH_SCHEMA),
  vertices: v.pipe(
    v.array(v.strictObject({ digest, op, inputs: list(digest) })),
    v.maxLength(MAX_VERTICES, `more than ${MAX_VERTICES} vertices`),
  ),
  targets: list(v.strictObject({ name: string, vertex: digest })),
  metadata: v.pipe(
    v.array(v.strictObject({
      vertex: digest,
      at: v.exactOptional(v.strictObject({
        file: string,
        line: integer,
        column: optionalInteger,
        text: optionalString,
      })),
      stage: optionalString,
      label: optionalString,
    })),
    v.maxLength(MAX_VERTICES, `more than ${MAX_VERTICES} entries`),
  ),
  contexts: list(v.strictObject({ name: string, path: string })),
});
