import assert from "node:assert/strict";
import { test } from "node:test";
import {
  applyConfigChange,
  commandLine,
  resolvePath,
  runEnvironment,
} from "../../../core/graph/effective_config.ts";
import { type ImageState, initialState, stateFromImage } from "../../../core/graph/image_state.ts";
import type { Command, ConfigChange } from "../../../core/graph/op.ts";
import type { ContainerConfig } from "../../../core/oci/image_config.ts";
import { LINUX } from "../../support/graph_ops.ts";

const scratch = initialState(LINUX);

function after(...changes: readonly ConfigChange[]): ImageState {
  return changes.reduce(applyConfigChange, scratch);
}

/** The config after changes, without what every image has. */
function configAfter(...changes: readonly ConfigChange[]): ContainerConfig {
  const { Env = [], WorkingDir: _, ...config } = after(...changes).config.config ?? {};
  const own = Env.slice(1);
  return own.length === 0 ? config : { ...config, Env: own };
}

function env(...pairs: readonly [name: string, value: string][]): ConfigChange {
  return { kind: "env", variables: pairs.map(([name, value]) => ({ name, value })) };
}

function arg(name: string, value?: string): ConfigChange {
  return { kind: "arg", variables: [value === undefined ? { name } : { name, value }] };
}

const exec = (...args: string[]): Command => ({ form: "exec", args });
const shell = (script: string): Command => ({ form: "shell", script });

function environmentOf(state: ImageState, environment: Record<string, string> = {}): string[] {
  return runEnvironment(state, { environment }).slice(1).map(({ name, value }) =>
    `${name}=${value}`
  );
}

test("env replaces in place and keeps the order of the image's list", () => {
  assert.deepEqual(configAfter(env(["A", "1"], ["B", "2"]), env(["A", "3"])), {
    Env: ["A=3", "B=2"],
  });
});

test("runEnvironment(): of ENV and ARG the last one wins, while the config keeps the ENV", () => {
  const state = after(env(["X", "env"]), arg("X", "arg"));
  assert.deepEqual(environmentOf(state), ["X=arg"]);
  assert.deepEqual(state.config.config?.Env?.slice(1), ["X=env"]);
  assert.deepEqual(environmentOf(after(arg("X", "arg"), env(["X", "env"]))), ["X=env"]);
});

test("runEnvironment() is in the order of the last change, the step's own variables last", () => {
  const state = after(env(["A", "1"], ["B", "2"]), env(["A", "3"]));
  assert.deepEqual(environmentOf(state), ["B=2", "A=3"]);
  assert.deepEqual(environmentOf(state, { Z: "z", B: "own" }), ["A=3", "B=own", "Z=z"]);
});

test("an argument without a value changes no environment", () => {
  assert.deepEqual(environmentOf(after(arg("A"), env(["B", "1"]), arg("B"))), ["B=1"]);
  assert.deepEqual(after(arg("A"), arg("A", "1")).args, [{ name: "A" }, { name: "A", value: "1" }]);
});

test("requests to the SBOM scanner are arguments that no step sees", () => {
  const state = after(arg("BUILDKIT_SBOM_SCAN_STAGE", "true"));
  assert.deepEqual(environmentOf(state), []);
  assert.equal(state.args.length, 1);
});

test("labels and annotations are merged, each into its place", () => {
  const label = (name: string, value: string): ConfigChange => ({
    kind: "label",
    labels: [{ name, value }],
  });
  const state = after(label("a", "1"), label("b", "2"), label("a", "3"), {
    kind: "annotation",
    annotations: [{ name: "c", value: "4" }],
  });
  assert.deepEqual(state.config.config?.Labels, { a: "3", b: "2" });
  assert.deepEqual([...state.annotations], [["c", "4"]]);
});

test("workdir resolves against the one before", () => {
  const workdir = (path: string): ConfigChange => ({ kind: "workdir", path });
  assert.equal(after(workdir("srv"), workdir("../opt//x/")).config.config?.WorkingDir, "/opt/x");
  assert.equal(after(workdir("/a"), workdir("/")).config.config?.WorkingDir, "/");
  assert.equal(after(workdir("../../..")).config.config?.WorkingDir, "/");
});

test("resolvePath() begins at / where an image has no working directory", () => {
  const state = stateFromImage({ ...scratch.config, config: {} }, LINUX);
  assert.equal(resolvePath(state, "a/./b/"), "/a/b");
  assert.equal(resolvePath(state, ""), "/");
});

test("expose and volume add to a set", () => {
  assert.deepEqual(
    configAfter({ kind: "expose", ports: ["80", "53/UDP", "9000-9001"] }, {
      kind: "expose",
      ports: ["80/tcp"],
    }),
    { ExposedPorts: { "80/tcp": {}, "53/udp": {}, "9000/tcp": {}, "9001/tcp": {} } },
  );
  assert.deepEqual(configAfter({ kind: "volume", paths: ["/b", "/a"] }), {
    Volumes: { "/b": {}, "/a": {} },
  });
});

test("entrypoint empties an inherited command, but not one of its stage", () => {
  const cmd: ConfigChange = { kind: "cmd", command: exec("c") };
  const entrypoint: ConfigChange = { kind: "entrypoint", command: exec("e") };
  assert.deepEqual(configAfter(cmd, entrypoint), { Entrypoint: ["e"], ArgsEscaped: true });
  assert.deepEqual(configAfter(cmd, { ...entrypoint, keepsCommand: true }), {
    Entrypoint: ["e"],
    Cmd: ["c"],
    ArgsEscaped: true,
  });
});

test("an empty entrypoint or command is absent", () => {
  const empty = exec();
  assert.deepEqual(
    configAfter(
      { kind: "entrypoint", command: exec("e") },
      { kind: "cmd", command: exec("c") },
      { kind: "entrypoint", command: empty },
      { kind: "cmd", command: empty },
    ),
    { ArgsEscaped: true },
  );
});

test("commandLine() of the shell form is the shell in force and one string", () => {
  assert.deepEqual(commandLine(scratch, shell("a b")), ["/bin/sh", "-c", "a b"]);
  const bash = after({ kind: "shell", shell: ["/bin/bash", "-c"] });
  assert.deepEqual(commandLine(bash, shell("a b")), ["/bin/bash", "-c", "a b"]);
  assert.deepEqual(commandLine(bash, exec("a", "b")), ["a", "b"]);
  const windows = initialState({ os: "windows", architecture: "amd64" });
  assert.deepEqual(commandLine(windows, shell("dir")), ["cmd", "/S", "/C", "dir"]);
});

test("a shell counts from where it is set, for commands of the image too", () => {
  const state = after(
    { kind: "cmd", command: shell("a") },
    { kind: "shell", shell: ["bash", "-c"] },
    { kind: "entrypoint", command: shell("b"), keepsCommand: true },
  );
  assert.deepEqual(state.config.config?.Cmd, ["/bin/sh", "-c", "a"]);
  assert.deepEqual(state.config.config?.Entrypoint, ["bash", "-c", "b"]);
});

test("health checks are in nanoseconds, without zeros, and do not use the shell", () => {
  const healthcheck = (
    change: Extract<ConfigChange, { kind: "healthcheck" }>["healthcheck"],
  ): unknown =>
    configAfter({ kind: "shell", shell: ["bash", "-c"] }, {
      kind: "healthcheck",
      healthcheck: change,
    }).Healthcheck;
  assert.deepEqual(healthcheck({ kind: "none" }), { Test: ["NONE"] });
  assert.deepEqual(
    healthcheck({
      kind: "test",
      command: shell("a b"),
      intervalMs: 30_000,
      timeoutMs: 0,
      retries: 3,
    }),
    { Test: ["CMD-SHELL", "a b"], Interval: 30_000_000_000, Retries: 3 },
  );
  assert.deepEqual(
    healthcheck({
      kind: "test",
      command: exec("a", "b"),
      startPeriodMs: 1,
      startIntervalMs: 2,
      timeoutMs: 3,
    }),
    {
      Test: ["CMD", "a", "b"],
      Timeout: 3_000_000,
      StartPeriod: 1_000_000,
      StartInterval: 2_000_000,
    },
  );
});

test("the rest is set as it is", () => {
  const state = after(
    { kind: "user", user: "a:b" },
    { kind: "stop-signal", signal: "SIGINT" },
    { kind: "onbuild", instruction: "RUN a" },
    { kind: "onbuild", instruction: "RUN b" },
    { kind: "author", author: "me" },
  );
  assert.equal(state.config.author, "me");
  const { User, StopSignal, OnBuild } = state.config.config ?? {};
  assert.deepEqual({ User, StopSignal, OnBuild }, {
    User: "a:b",
    StopSignal: "SIGINT",
    OnBuild: ["RUN a", "RUN b"],
  });
});

test("applyConfigChange() changes neither the state it is given nor keys it does not know", () => {
  const before = stateFromImage(
    { ...scratch.config, config: { Env: ["A=1"], "x.odd": true } as ContainerConfig },
    LINUX,
  );
  const copy = structuredClone(before);
  const next = applyConfigChange(before, env(["A", "2"]));
  assert.deepEqual(before, copy);
  assert.equal((next.config.config as Record<string, unknown>)["x.odd"], true);
});
