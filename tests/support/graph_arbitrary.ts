/**
 * Random operations and graphs. What they say is well formed (every type and every optional field comes up), not
 * sensible: paths may point anywhere, commands do not exist.
 *
 * @module
 */
import fc from "fast-check";
import type { Graph } from "../../core/graph/graph.ts";
import type {
  Command,
  ConfigChange,
  CopyOp,
  FileAction,
  Healthcheck,
  Mount,
  NameValue,
  Op,
  OpPlatform,
  OwnerSpec,
  RunOp,
} from "../../core/graph/op.ts";
import {
  createVertex,
  type Vertex,
  type VertexDigest,
  type VertexMetadata,
} from "../../core/graph/vertex.ts";

/** Texts that encoders like to get wrong. */
const textArbitrary: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom("", "a", "__proto__", "constructor", '"\\\n', "\ud800", "é", "\u{1f600}"),
);

/** Names of variables, in records too. */
const nameArbitrary = fc.constantFrom("A", "B_2", "PATH", "__proto__", "constructor", "ä b");
const pathArbitrary = fc.constantFrom("/a", "/a/b", "c", "./", "/été/x y");
const texts = fc.array(textArbitrary, { maxLength: 3 });
const number = fc.nat({ max: 100_000 });

/** A record of the given fields; each of the optional ones may be absent, none is undefined. */
function fields<R extends object, O extends object>(
  required: { [K in keyof R]: fc.Arbitrary<R[K]> },
  optional?: { [K in keyof O]: fc.Arbitrary<O[K]> },
): fc.Arbitrary<R & Partial<O>> {
  return fc.record({ ...required, ...optional } as never, {
    requiredKeys: Object.keys(required) as never,
    noNullPrototype: true,
  }) as unknown as fc.Arbitrary<R & Partial<O>>;
}

const pairs: fc.Arbitrary<NameValue[]> = fc.array(
  fc.record({ name: nameArbitrary, value: textArbitrary }, { noNullPrototype: true }),
  { maxLength: 3 },
);

const stringRecord: fc.Arbitrary<Record<string, string>> = fc.array(
  fc.tuple(nameArbitrary, textArbitrary),
  { maxLength: 3 },
).map((entries) => Object.fromEntries(entries));

/** Platforms under their usual names. */
const platformArbitrary: fc.Arbitrary<OpPlatform> = fc.constantFrom(
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64" },
  { os: "linux", architecture: "arm", variant: "v7" },
);

const commandArbitrary: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ form: fc.constant("shell" as const), script: textArbitrary }, {
    noNullPrototype: true,
  }),
  fc.record({ form: fc.constant("exec" as const), args: texts }, { noNullPrototype: true }),
);

const ownerArbitrary: fc.Arbitrary<OwnerSpec> = fields({ user: nameArbitrary }, {
  group: nameArbitrary,
});

const sourceArbitrary: fc.Arbitrary<Op> = fields({
  type: fc.constant("source" as const),
  identifier: fc.constantFrom("scratch://", "docker-image://docker.io/library/debian:12", "x://"),
  attributes: stringRecord,
  platform: platformArbitrary,
});

const contextArbitrary: fc.Arbitrary<Op> = fields({
  type: fc.constant("context" as const),
  name: fc.constantFrom("default", "context-1", "web"),
  include: texts,
  ignore: texts,
});

const copyArbitrary: fc.Arbitrary<CopyOp> = fields({
  type: fc.constant("copy" as const),
  instruction: fc.constantFrom("COPY" as const, "ADD" as const),
  sources: texts,
  inline: fc.array(fields({ name: textArbitrary, text: textArbitrary }), { maxLength: 2 }),
  destination: pathArbitrary,
  mode: fc.oneof(
    fields({ kind: fc.constantFrom("executable-bit" as const, "preserve" as const) }),
    fields({ kind: fc.constant("chmod" as const), spec: textArbitrary }),
  ),
  keepTimes: fc.boolean(),
  link: fc.boolean(),
  parents: fc.boolean(),
  exclude: texts,
  optional: fc.boolean(),
  extract: fc.constantFrom("never" as const, "local" as const, "always" as const),
}, { owner: ownerArbitrary });

const actionArbitrary: fc.Arbitrary<FileAction> = fc.oneof<fc.Arbitrary<FileAction>[]>(
  fields({ kind: fc.constant("mkdir" as const), path: pathArbitrary, mode: number }, {
    owner: ownerArbitrary,
  }),
  fields({
    kind: fc.constant("mkfile" as const),
    path: pathArbitrary,
    mode: number,
    text: textArbitrary,
  }, { owner: ownerArbitrary }),
  fields({ kind: fc.constant("symlink" as const), path: pathArbitrary, target: textArbitrary }),
  fields({ kind: fc.constant("rm" as const), path: pathArbitrary, optional: fc.boolean() }),
);

const fileArbitrary: fc.Arbitrary<Op> = fields({
  type: fc.constant("file" as const),
  actions: fc.array(actionArbitrary, { maxLength: 3 }),
}, { instruction: fc.constant("WORKDIR" as const) });

const account = { mode: number, uid: number, gid: number };
const mountArbitrary: fc.Arbitrary<Mount> = fc.oneof<fc.Arbitrary<Mount>[]>(
  fields({
    type: fc.constant("bind" as const),
    target: pathArbitrary,
    input: number,
    source: pathArbitrary,
    readWrite: fc.boolean(),
  }),
  fields({
    type: fc.constant("cache" as const),
    target: pathArbitrary,
    id: textArbitrary,
    sharing: fc.constantFrom("shared" as const, "private" as const, "locked" as const),
    ...account,
    readOnly: fc.boolean(),
  }, { input: number, source: pathArbitrary }),
  fields({ type: fc.constant("tmpfs" as const), target: pathArbitrary }, { sizeBytes: number }),
  fields(
    { type: fc.constant("secret" as const), id: textArbitrary, required: fc.boolean(), ...account },
    { target: pathArbitrary, environment: nameArbitrary },
  ),
  fields(
    { type: fc.constant("ssh" as const), id: textArbitrary, required: fc.boolean(), ...account },
    { target: pathArbitrary },
  ),
);

const runArbitrary: fc.Arbitrary<RunOp> = fields({
  type: fc.constant("run" as const),
  command: commandArbitrary,
  mounts: fc.array(mountArbitrary, { maxLength: 3 }),
  network: fc.constantFrom("default" as const, "none" as const, "host" as const),
  security: fc.constantFrom("sandbox" as const, "insecure" as const),
  environment: stringRecord,
}, {
  user: textArbitrary,
  workingDirectory: pathArbitrary,
  timeoutMs: number,
  hosts: fc.array(fields({ name: nameArbitrary, address: textArbitrary }), { maxLength: 2 }),
  shmSizeBytes: number,
  ulimits: fc.array(
    fields({ name: nameArbitrary, soft: fc.integer({ min: -1 }), hard: fc.integer({ min: -1 }) }),
    { maxLength: 2 },
  ),
  resources: fields({}, { memoryBytes: number, pids: number }),
  cache: fc.oneof(
    fc.constant("never" as const),
    fields({ ttlMs: number }, {}),
    fields({ key: textArbitrary }, {}),
  ),
});

const healthcheckArbitrary: fc.Arbitrary<Healthcheck> = fc.oneof<fc.Arbitrary<Healthcheck>[]>(
  fc.constant({ kind: "none" }),
  fields({ kind: fc.constant("test" as const), command: commandArbitrary }, {
    intervalMs: number,
    timeoutMs: number,
    startPeriodMs: number,
    startIntervalMs: number,
    retries: number,
  }),
);

/** Any change of a config. */
const changeArbitrary: fc.Arbitrary<ConfigChange> = fc.oneof<fc.Arbitrary<ConfigChange>[]>(
  fields({ kind: fc.constant("env" as const), variables: pairs }),
  fields({
    kind: fc.constant("arg" as const),
    variables: fc.array(fields({ name: nameArbitrary }, { value: textArbitrary }), {
      maxLength: 2,
    }),
  }),
  fields({ kind: fc.constant("label" as const), labels: pairs }, {
    unrecorded: fc.constant(true as const),
  }),
  fields({ kind: fc.constant("workdir" as const), path: pathArbitrary }),
  fields({ kind: fc.constant("user" as const), user: textArbitrary }),
  fields({ kind: fc.constant("expose" as const), ports: texts }),
  fields({ kind: fc.constant("volume" as const), paths: texts }),
  fields(
    { kind: fc.constant("entrypoint" as const), command: commandArbitrary },
    { keepsCommand: fc.constant(true as const) },
  ),
  fields({ kind: fc.constant("cmd" as const), command: commandArbitrary }),
  fields({ kind: fc.constant("shell" as const), shell: texts }),
  fields({ kind: fc.constant("healthcheck" as const), healthcheck: healthcheckArbitrary }),
  fields({ kind: fc.constant("stop-signal" as const), signal: textArbitrary }),
  fields({ kind: fc.constant("onbuild" as const), instruction: textArbitrary }),
  fields({ kind: fc.constant("author" as const), author: textArbitrary }),
  fields({ kind: fc.constant("annotation" as const), annotations: pairs }),
);

/** Any operation. */
export const opArbitrary: fc.Arbitrary<Op> = fc.oneof(
  sourceArbitrary,
  contextArbitrary,
  copyArbitrary,
  fileArbitrary,
  runArbitrary,
  fields({ type: fc.constantFrom("merge" as const, "diff" as const) }),
  fields({ type: fc.constant("config" as const), change: changeArbitrary }),
);

/** What is known of a vertex beside its definition. */
export const metadataArbitrary: fc.Arbitrary<VertexMetadata> = fields({}, {
  at: fields({ file: textArbitrary, line: number }, { column: number, text: textArbitrary }),
  stage: textArbitrary,
  label: textArbitrary,
});

/** Graphs of up to twelve vertices, each with up to three inputs among those before it. */
export const graphArbitrary: fc.Arbitrary<Graph> = fc.record({
  steps: fc.array(
    fc.record({
      op: opArbitrary,
      inputs: fc.array(fc.nat(), { maxLength: 3 }),
      metadata: fc.option(metadataArbitrary, { nil: undefined }),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  contexts: fc.uniqueArray(fc.tuple(nameArbitrary, textArbitrary), { selector: ([name]) => name }),
}).map(({ steps, contexts }) => {
  const vertices = new Map<VertexDigest, Vertex>();
  const metadata = new Map<VertexDigest, VertexMetadata>();
  for (const { op, inputs, metadata: about } of steps) {
    const known = [...vertices.keys()];
    const edges = inputs.flatMap((n) => {
      const input = known[n % Math.max(known.length, 1)];
      return input === undefined ? [] : [input];
    });
    const vertex = createVertex(op, edges);
    if (vertices.has(vertex.digest)) continue;
    vertices.set(vertex.digest, vertex);
    if (about !== undefined) metadata.set(vertex.digest, about);
  }
  const last = [...vertices.keys()].slice(-1);
  return {
    vertices,
    metadata,
    targets: last.map((vertex) => ({ name: "app", vertex })),
    contexts: new Map(contexts.map(([name, path]) => [name, { path }])),
  };
});
