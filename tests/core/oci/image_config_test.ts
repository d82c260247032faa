import assert from "node:assert/strict";
import { test } from "node:test";
import { type DiffID, sha256 } from "../../../core/oci/digest.ts";
import {
  type ImageConfig,
  parseImageConfig,
  serializeImageConfig,
} from "../../../core/oci/image_config.ts";
import { bytesOf } from "../../support/temp_store.ts";

const DIFF_ID = sha256<DiffID>("layer");
// As BuildKit 0.21 prints it.
const BUILDKIT =
  `{"architecture":"amd64","config":{"User":"app","ExposedPorts":{"53/udp":{},"80/tcp":{}},` +
  `"Env":["PATH=/bin"],"Entrypoint":["/bin/sh"],"Cmd":["-c","a \\u0026\\u0026 b"],"Volumes":{"/data":{}},` +
  `"WorkingDir":"/","Labels":{"10":"x","9":"y","constructor":"z"},"StopSignal":"SIGINT","ArgsEscaped":true,` +
  `"Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":30000000000,"Retries":3},"OnBuild":["RUN true"],` +
  `"Shell":["/bin/bash","-c"]},"created":"2024-05-06T07:08:09.123456789Z","history":[` +
  `{"created":"2024-05-06T07:08:09Z","created_by":"COPY a b # buildkit","comment":"buildkit.dockerfile.v0"},` +
  `{"created":"2024-05-06T07:08:09Z","created_by":"CMD []","comment":"buildkit.dockerfile.v0","empty_layer":true}],` +
  `"moby.buildkit.cache.v0":"e30=","os":"linux","rootfs":{"type":"layers","diff_ids":["${DIFF_ID}"]},"variant":"v3"}`;

test("serializeImageConfig() prints what BuildKit prints, byte for byte", () => {
  assert.equal(
    new TextDecoder().decode(serializeImageConfig(parseImageConfig(bytesOf(BUILDKIT)))),
    BUILDKIT,
  );
});

test("serializeImageConfig() does not depend on the order keys were set in", () => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).reverse().map(([key, item]) => [key, reversed(item)]),
    );
  };
  const shuffled = reversed(JSON.parse(BUILDKIT)) as ImageConfig;
  assert.equal(new TextDecoder().decode(serializeImageConfig(shuffled)), BUILDKIT);
});

test("parseImageConfig() takes the nulls and the further keys of Docker's older configs", () => {
  const config = parseImageConfig(bytesOf(JSON.stringify({
    architecture: "amd64",
    os: "linux",
    container: "abc",
    config: {
      Hostname: "",
      Tty: false,
      Cmd: null,
      Volumes: null,
      OnBuild: null,
      Labels: null,
      Env: [],
    },
    rootfs: { type: "layers", diff_ids: null },
    history: null,
  })));
  assert.deepEqual(config, {
    architecture: "amd64",
    os: "linux",
    container: "abc",
    config: { Hostname: "", Tty: false, Env: [] },
    rootfs: { type: "layers", diff_ids: [] },
  });
});

test("parseImageConfig() takes a set whose values are null", () => {
  const config = parseImageConfig(bytesOf(
    '{"architecture":"a","os":"o","config":{"Volumes":{"/a":null}},"rootfs":{"type":"layers"}}',
  ));
  assert.deepEqual(config.config?.Volumes, { "/a": {} });
});

const MINIMAL = {
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids: [DIFF_ID] },
};

for (
  const [what, change] of [
    ["no architecture", { architecture: undefined }],
    ["an empty system", { os: "" }],
    ["no rootfs", { rootfs: undefined }],
    ["another kind of rootfs", { rootfs: { type: "tree", diff_ids: [] } }],
    ["a diff_id that is none", { rootfs: { type: "layers", diff_ids: ["sha256:1"] } }],
    ["a time that is none", { created: "yesterday" }],
    ["an Env that is text", { config: { Env: "A=b" } }],
    ["Env entries that are not text", { config: { Env: [1] } }],
    ["a history that is a map", { history: {} }],
    ["a negative interval", { config: { Healthcheck: { Interval: -1 } } }],
  ] as const
) {
  test(`parseImageConfig() rejects ${what}`, () => {
    assert.throws(() => parseImageConfig(bytesOf(JSON.stringify({ ...MINIMAL, ...change }))), {
      code: "IMAGE_CONFIG_INVALID",
    });
  });
}
