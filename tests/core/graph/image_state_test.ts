import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_PATH, initialState, stateFromImage } from "../../../core/graph/image_state.ts";
import type { ImageConfig } from "../../../core/oci/image_config.ts";
import { LINUX } from "../../support/graph_ops.ts";

const debian: ImageConfig = {
  architecture: "amd64",
  os: "linux",
  created: "2024-01-01T00:00:00Z",
  author: "them",
  config: {
    User: "app",
    Env: ["PATH=/bin", "A=1", "B=", "C"],
    Cmd: ["bash"],
    WorkingDir: "srv/../app/",
    Labels: { a: "b" },
    OnBuild: ["RUN make"],
    ArgsEscaped: true,
  },
  rootfs: { type: "layers", diff_ids: [] },
  history: [{ created: "2024-01-01T00:00:00Z", created_by: "CMD bash", empty_layer: true }],
};

test("initialState() is BuildKit's scratch: the default PATH, working directory /", () => {
  assert.deepEqual(initialState({ os: "linux", architecture: "arm", variant: "v7" }).config, {
    architecture: "arm",
    os: "linux",
    variant: "v7",
    config: { WorkingDir: "/", Env: [`PATH=${DEFAULT_PATH}`] },
    rootfs: { type: "layers", diff_ids: [] },
  });
  assert.deepEqual(initialState({ os: "windows", architecture: "amd64" }).config.config, {
    WorkingDir: "/",
  });
});

test("stateFromImage() inherits the config, without creation time, history and ONBUILD", () => {
  const state = stateFromImage(debian, LINUX);
  assert.deepEqual(state.config, {
    architecture: "amd64",
    os: "linux",
    author: "them",
    config: {
      User: "app",
      Env: ["PATH=/bin", "A=1", "B=", "C="],
      Cmd: ["bash"],
      WorkingDir: "/app",
      Labels: { a: "b" },
      ArgsEscaped: true,
    },
    rootfs: { type: "layers", diff_ids: [] },
  });
  assert.deepEqual(state.history, debian.history);
  assert.deepEqual(state.triggers, ["RUN make"]);
  assert.deepEqual(state.args, []);
  assert.deepEqual(state.environment.map(({ name }) => name), ["PATH", "A", "B", "C"]);
});

test("stateFromImage() adds PATH where there is none, after what is there", () => {
  const state = stateFromImage({ ...debian, config: { Env: ["A=1"] } }, LINUX);
  assert.deepEqual(state.config.config?.Env, ["A=1", `PATH=${DEFAULT_PATH}`]);
  assert.deepEqual(stateFromImage({ ...debian, config: {} }, LINUX).config.config, {
    Env: [`PATH=${DEFAULT_PATH}`],
  });
});

test("stateFromImage() has the platform asked for, and the image's variant if that says nothing against it", () => {
  const variant = (image: string | undefined, asked: string | undefined, architecture = "arm") =>
    stateFromImage(
      { ...debian, architecture: "arm", ...(image === undefined ? {} : { variant: image }) },
      { os: "linux", architecture, ...(asked === undefined ? {} : { variant: asked }) },
    ).config.variant;
  assert.equal(variant("v7", undefined), "v7");
  assert.equal(variant("v7", "v6"), "v6");
  assert.equal(variant("v7", undefined, "arm64"), undefined);
});

test("stateFromImage() keeps keys it does not know", () => {
  const odd = { ...debian, "moby.buildkit.cache.v0": "x" } as ImageConfig;
  assert.ok("moby.buildkit.cache.v0" in stateFromImage(odd, LINUX).config);
});
