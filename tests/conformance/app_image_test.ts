/** The example's image, real RUN step and all, read by the tools that others use. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { parseImageConfig } from "../../core/oci/image_config.ts";
import { executorLadder } from "../../plugins/runtime/mod.ts";
import app from "../../recipes/app.ts";
import { programPath } from "../support/program_path.ts";
import { startAndCheckHealth } from "../support/run_image.ts";
import { tempEngine } from "../support/temp_engine.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const TOOLS = ["skopeo", "umoci", "podman", "buildah", "ip"];

async function obstacle(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs root on Linux";
  const missing = TOOLS.filter((tool) => programPath(tool) === undefined);
  if (missing.length > 0) return `needs ${missing.join(", ")}`;
  const probes = await Promise.all(executorLadder().map((executor) => executor.probe()));
  return probes.some(({ usable }) => usable) ? undefined : "needs an executor";
}

function run(command: string, args: readonly string[]): string {
  const result = spawnSync(command, args, { encoding: "utf8", timeout: 120_000 });
  assert.equal(result.status, 0, `${command} ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trim();
}

const reason = await obstacle();
test(
  `the app's image is read by skopeo, umoci, podman and buildah, and answers HTTP from the root umoci unpacks${
    reason === undefined ? "" : ` (${reason})`
  }`,
  {
    skip: reason !== undefined,
    timeout: 300_000,
  },
  async () => {
    using lw = tempEngine();
    using directory = temporaryDirectory();
    const layout = join(directory.path, "layout");
    const archive = join(directory.path, "app.tar");
    const { digest, imageId } = await lw.build(app, {
      tags: ["app:dev"],
      outputs: [{ type: "oci", dest: `${layout}/` }, { type: "docker", dest: archive }],
    });

    assert.equal(
      JSON.parse(run("skopeo", ["inspect", `oci:${layout}:dev`])).Digest,
      await digest(),
    );

    const bundle = join(directory.path, "bundle");
    run("umoci", ["unpack", "--image", `${layout}:dev`, bundle]);
    using store = await lw.engine.openStore();
    const { config = {} } = parseImageConfig(await store.blobs.readBytes(imageId, 1 << 20));
    startAndCheckHealth(join(bundle, "rootfs"), config);

    const storage = [
      "--root",
      join(directory.path, "storage"),
      "--runroot",
      join(directory.path, "run"),
      "--storage-driver",
      "vfs",
    ];
    run("podman", [...storage, "load", "--input", archive]);
    assert.equal(
      `sha256:${
        run("podman", [...storage, "images", "--no-trunc", "--quiet"]).replace("sha256:", "")
      }`,
      imageId,
    );
    const container = run("buildah", [
      ...storage,
      "from",
      "--pull-never",
      imageId.slice("sha256:".length),
    ]);
    assert.notEqual(container, "");
  },
);
