/** Over 300 lines: one table of all that can be wrong with a graph. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DiagnosticCode } from "../../../core/graph/diagnostic.ts";
import type { Graph } from "../../../core/graph/graph.ts";
import type { ConfigChange, CopyOp, Mount, Op, RunOp, SourceOp } from "../../../core/graph/op.ts";
import { validateGraph } from "../../../core/graph/validate.ts";
import { createVertex, type Vertex, type VertexDigest } from "../../../core/graph/vertex.ts";
import { LINUX } from "../../support/graph_ops.ts";

const scratch: SourceOp = {
  type: "source",
  identifier: "scratch://",
  attributes: {},
  platform: LINUX,
};
const copy: CopyOp = {
  type: "copy",
  instruction: "COPY",
  sources: ["a"],
  inline: [],
  destination: "/a",
  mode: { kind: "preserve" },
  keepTimes: false,
  link: false,
  parents: false,
  exclude: [],
  optional: false,
  extract: "never",
};
const run: RunOp = {
  type: "run",
  command: { form: "exec", args: ["x"] },
  mounts: [],
  network: "default",
  security: "sandbox",
  environment: {},
};
const cache: Mount = {
  type: "cache",
  target: "/c",
  id: "/c",
  sharing: "shared",
  mode: 0o755,
  uid: 0,
  gid: 0,
  readOnly: false,
};
const secret: Mount = {
  type: "secret",
  id: "s",
  target: "/s",
  required: false,
  mode: 0o400,
  uid: 0,
  gid: 0,
};

function graphOfVertices(vertices: readonly Vertex[]): Graph {
  const last = vertices.at(-1);
  return {
    vertices: new Map(vertices.map((vertex) => [vertex.digest, vertex])),
    targets: last === undefined ? [] : [{ name: "app", vertex: last.digest }],
    metadata: new Map(
      vertices.map(({ digest }, index) => [digest, { at: { file: "x.ts", line: index + 1 } }]),
    ),
    contexts: new Map([["default", { path: "." }]]),
  };
}

/** A graph with one op on as many inputs as it takes. */
function graphWith(op: Op): Graph {
  const base = createVertex(scratch, []);
  const context = createVertex({ type: "context", name: "default", include: [], ignore: [] }, []);
  if (op.type === "source" || op.type === "context") return graphOfVertices([createVertex(op, [])]);
  if (op.type === "copy" && op.sources.length > 0) {
    return graphOfVertices([base, context, createVertex(op, [base.digest, context.digest])]);
  }
  return graphOfVertices([base, createVertex(op, [base.digest])]);
}

function config(change: ConfigChange): Op {
  return { type: "config", change };
}

function platform(os: string, architecture: string, variant?: string): Op {
  return {
    ...scratch,
    platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
  };
}

test("validateGraph() has nothing against what is right", () => {
  const right: readonly Op[] = [
    scratch,
    platform("linux", "arm", "v7"),
    platform("windows", "amd64"),
    { ...scratch, identifier: "docker-image://docker.io/library/debian:12" },
    { ...scratch, identifier: "host-executable://bun" },
    {
      ...copy,
      owner: { user: "1000", group: "staff" },
      mode: { kind: "chmod", spec: "u=rwX,go=rX" },
    },
    { ...copy, sources: [], inline: [{ name: "a", text: "" }], destination: "." },
    { ...copy, instruction: "ADD", extract: "local" },
    {
      type: "file",
      instruction: "WORKDIR",
      actions: [{ kind: "mkdir", path: "srv", mode: 0o755 }],
    },
    {
      ...run,
      mounts: [cache, secret],
      environment: { A: "=" },
      user: "a:b",
      workingDirectory: "x",
      timeoutMs: 1,
    },
    config({
      kind: "expose",
      ports: ["0", "65535/SCTP", "1-3/udp", "127.0.0.1:80:8080", "8080:80"],
    }),
    config({ kind: "stop-signal", signal: "SIGRTMIN+3" }),
    config({ kind: "cmd", command: { form: "exec", args: [] } }),
    config({
      kind: "healthcheck",
      healthcheck: { kind: "test", command: run.command, intervalMs: 0, retries: 0 },
    }),
    config({ kind: "env", variables: [{ name: "a b", value: "" }] }),
    config({ kind: "onbuild", instruction: "COPY . /app" }),
  ];
  for (const op of right) assert.deepEqual(validateGraph(graphWith(op)), [], JSON.stringify(op));
});

const wrong: readonly [code: DiagnosticCode, op: Op][] = [
  ["SOURCE_INVALID", { ...scratch, identifier: "debian" }],
  ["SOURCE_INVALID", { ...scratch, identifier: "scratch://x" }],
  ["REFERENCE_INVALID", { ...scratch, identifier: "docker-image://Debian" }],
  ["REFERENCE_INVALID", { ...scratch, identifier: "docker-image://debian:12" }],
  ["PLATFORM_INVALID", platform("linux", "x86_64")],
  ["PLATFORM_INVALID", platform("linux", "amd46")],
  ["PLATFORM_INVALID", platform("lunix", "amd64")],
  ["PLATFORM_INVALID", platform("linux", "")],
  ["PLATFORM_INVALID", platform("linux", "arm64", "v8")],
  ["CONTEXT_INVALID", { type: "context", name: "default", include: ["!"], ignore: [] }],
  ["CONTEXT_INVALID", { type: "context", name: "default", include: [], ignore: [""] }],
  ["CONTEXT_INVALID", { type: "context", name: "Web", include: [], ignore: [] }],
  ["PATH_INVALID", { ...copy, destination: "" }],
  ["PATH_INVALID", { ...copy, sources: ["a", ""] }],
  ["PATH_INVALID", { ...copy, sources: ["https://example.com/a"] }],
  ["PATH_INVALID", { ...copy, exclude: [""] }],
  ["COPY_INVALID", { ...copy, sources: [] }],
  ["COPY_INVALID", { ...copy, extract: "local" }],
  ["NAME_INVALID", { ...copy, sources: [], inline: [{ name: "a/b", text: "" }] }],
  ["NAME_INVALID", { ...copy, sources: [], inline: [{ name: "..", text: "" }] }],
  ["OWNER_INVALID", { ...copy, owner: { user: "" } }],
  ["OWNER_INVALID", { ...copy, owner: { user: "a", group: "b:c" } }],
  ["OWNER_INVALID", { ...copy, owner: { user: "4294967295" } }],
  ["MODE_INVALID", { ...copy, mode: { kind: "chmod", spec: "" } }],
  ["MODE_INVALID", { ...copy, mode: { kind: "chmod", spec: "10000" } }],
  ["MODE_INVALID", { ...copy, mode: { kind: "chmod", spec: "0o755" } }],
  ["MODE_INVALID", { ...copy, mode: { kind: "chmod", spec: "u+rwq" } }],
  ["CHARACTER_INVALID", { ...copy, destination: "/a\0" }],
  ["CHARACTER_INVALID", { ...run, environment: { "A\0": "" } }],
  ["VALUE_INVALID", { type: "file", actions: [] }],
  ["PATH_INVALID", { type: "file", actions: [{ kind: "mkdir", path: "a", mode: 0 }] }],
  ["PATH_INVALID", { type: "file", actions: [{ kind: "rm", path: "/x/..", optional: true }] }],
  ["PATH_INVALID", { type: "file", actions: [{ kind: "symlink", path: "/a", target: "" }] }],
  ["MODE_INVALID", {
    type: "file",
    actions: [{ kind: "mkfile", path: "/a", mode: 0o10000, text: "" }],
  }],
  ["COMMAND_INVALID", { ...run, command: { form: "exec", args: [] } }],
  ["COMMAND_INVALID", { ...run, command: { form: "exec", args: ["", "x"] } }],
  ["COMMAND_INVALID", { ...run, command: { form: "shell", script: " \n" } }],
  ["NAME_INVALID", { ...run, environment: { "": "x" } }],
  ["USER_INVALID", { ...run, user: "a:b:c" }],
  ["PATH_INVALID", { ...run, workingDirectory: "" }],
  ["DURATION_INVALID", { ...run, timeoutMs: 0 }],
  ["MOUNT_INVALID", { ...run, mounts: [{ ...cache, target: "/" }] }],
  ["MOUNT_INVALID", { ...run, mounts: [{ ...cache, target: "/x/../" }] }],
  ["MOUNT_INVALID", { ...run, mounts: [{ ...cache, target: "" }] }],
  ["MOUNT_INVALID", { ...run, mounts: [cache, { type: "tmpfs", target: "/c/." }] }],
  ["MOUNT_INVALID", { ...run, mounts: [{ ...cache, id: "" }] }],
  ["MOUNT_INVALID", { ...run, mounts: [{ ...cache, source: "/x" }] }],
  ["MOUNT_INVALID", { ...run, mounts: [{ ...cache, mode: -1 }] }],
  ["MOUNT_INVALID", { ...run, mounts: [{ ...cache, uid: 2 ** 32 }] }],
  ["MOUNT_INVALID", { ...run, mounts: [{ ...secret, environment: "A=" }] }],
  ["MOUNT_INVALID", { ...run, mounts: [{ type: "tmpfs", target: "/t", sizeBytes: 0 }] }],
  ["INPUT_INVALID", {
    ...run,
    mounts: [{ type: "bind", target: "/b", input: 1, source: "/", readWrite: false }],
  }],
  ["NAME_INVALID", config({ kind: "env", variables: [{ name: "A=B", value: "" }] })],
  ["NAME_INVALID", config({ kind: "arg", variables: [{ name: "" }] })],
  ["NAME_INVALID", config({ kind: "label", labels: [{ name: "", value: "" }] })],
  ["NAME_INVALID", config({ kind: "annotation", annotations: [{ name: "", value: "" }] })],
  ["PATH_INVALID", config({ kind: "workdir", path: "" })],
  ["PATH_INVALID", config({ kind: "volume", paths: ["data"] })],
  ["USER_INVALID", config({ kind: "user", user: "" })],
  ["USER_INVALID", config({ kind: "user", user: "a:" })],
  ["PORT_INVALID", config({ kind: "expose", ports: ["65536"] })],
  ["PORT_INVALID", config({ kind: "expose", ports: ["80/icmp"] })],
  ["PORT_INVALID", config({ kind: "expose", ports: ["9-8"] })],
  ["PORT_INVALID", config({ kind: "expose", ports: [""] })],
  ["SIGNAL_INVALID", config({ kind: "stop-signal", signal: "65" })],
  ["SIGNAL_INVALID", config({ kind: "stop-signal", signal: "SIGRTMIN+16" })],
  ["COMMAND_INVALID", config({ kind: "shell", shell: [] })],
  ["COMMAND_INVALID", config({ kind: "cmd", command: { form: "shell", script: "" } })],
  [
    "DURATION_INVALID",
    config({
      kind: "healthcheck",
      healthcheck: { kind: "test", command: run.command, timeoutMs: -1 },
    }),
  ],
  [
    "VALUE_INVALID",
    config({
      kind: "healthcheck",
      healthcheck: { kind: "test", command: run.command, retries: -1 },
    }),
  ],
  [
    "COMMAND_INVALID",
    config({
      kind: "healthcheck",
      healthcheck: { kind: "test", command: { form: "exec", args: [] } },
    }),
  ],
  ["ONBUILD_INVALID", config({ kind: "onbuild", instruction: "onbuild RUN x" })],
  ["ONBUILD_INVALID", config({ kind: "onbuild", instruction: " " })],
];

for (const [code, op] of wrong) {
  test(`validateGraph() finds ${code} in ${JSON.stringify(op.type === "config" ? op.change : op).slice(0, 150)}`, () => {
    // A target that is a context is wrong as well.
    const found = validateGraph(graphWith(op)).filter((diagnostic) =>
      diagnostic.code !== "TARGET_INVALID"
    );
    assert.ok(found.some((diagnostic) => diagnostic.code === code), JSON.stringify(found));
    for (const { message, at } of found) {
      assert.match(message, /^Cannot .*: /s);
      assert.equal(at?.file, "x.ts");
    }
  });
}

test("validateGraph() finds inputs that are missing, too many, of the wrong kind, or after their use", () => {
  const base = createVertex(scratch, []);
  const context = createVertex({ type: "context", name: "default", include: [], ignore: [] }, []);
  const gone = `sha256:${"0".repeat(64)}` as VertexDigest;
  const cases: readonly [vertices: readonly Vertex[], problem: RegExp][] = [
    [[base, createVertex(copy, [base.digest])], /it has 1 inputs, not 2/],
    [[base, createVertex(scratch, [base.digest])], /it has 1 inputs, not 0/],
    [[base, createVertex(copy, [base.digest, gone])], /it does not exist/],
    [[createVertex(run, [base.digest]), base], /it comes after it/],
    [[context, createVertex(run, [context.digest])], /build context as input 0 of a run/],
    [
      [context, base, createVertex({ type: "merge" }, [base.digest, context.digest])],
      /as input 1 of a merge/,
    ],
    [[createVertex({ type: "merge" }, [])], /not at least 1/],
    [
      [base, context, createVertex(run, [base.digest, context.digest])],
      /no mount uses its input 1/,
    ],
    [[context], /it is a build context, not an image/],
    [[], /it has no target/],
  ];
  for (const [vertices, problem] of cases) {
    const messages = validateGraph(graphOfVertices(vertices)).map(({ message }) => message).join(
      "\n",
    );
    assert.match(messages, problem);
  }
});

test("validateGraph() finds targets and contexts that the graph does not have", () => {
  const context = createVertex({ type: "context", name: "web", include: [], ignore: [] }, []);
  const base = createVertex(scratch, []);
  const graph = graphOfVertices([context, base]);
  const gone = `sha256:${"0".repeat(64)}` as VertexDigest;
  const twice = { name: "app", vertex: base.digest };
  const found = validateGraph({ ...graph, targets: [twice, twice, { name: "x", vertex: gone }] });
  assert.deepEqual(found.map(({ code }) => code), [
    "CONTEXT_INVALID",
    "TARGET_INVALID",
    "TARGET_INVALID",
  ]);
});

test("validateGraph() lists all that is wrong, in the order of the graph", () => {
  const base = createVertex({ ...scratch, platform: { os: "linux", architecture: "x" } }, []);
  const first = createVertex({ ...run, user: "", timeoutMs: 0 }, [base.digest]);
  const second = createVertex(config({ kind: "expose", ports: ["x", "80", "y"] }), [first.digest]);
  assert.deepEqual(
    validateGraph(graphOfVertices([base, first, second])).map(({ code, at }) => [code, at?.line]),
    [["PLATFORM_INVALID", 1], ["USER_INVALID", 2], ["DURATION_INVALID", 2], ["PORT_INVALID", 3], [
      "PORT_INVALID",
      3,
    ]],
  );
});
