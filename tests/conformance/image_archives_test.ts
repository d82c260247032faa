import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dockerArchiveExporter } from "../../core/transfer/docker_archive.ts";
import type { ExportableImage } from "../../core/transfer/exporter.ts";
import { ociArchiveExporter } from "../../core/transfer/oci_archive.ts";
import { entry, EPOCH_SECONDS, exportableImage } from "../support/exportable_image.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

function missing(...tools: readonly string[]): string | false {
  const absent = tools.filter((tool) => spawnSync(tool, ["--version"]).status !== 0);
  return absent.length > 0 && `needs ${absent.join(", ")}`;
}

const notRoot = process.getuid?.() !== 0 && "needs root";

function run(
  command: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): string {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...environment },
    timeout: 60_000,
  });
  assert.equal(result.status, 0, `${command} ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trim();
}

/** Two layers: the second removes a file, replaces one, links one. */
function sample(directory: string, tags: readonly string[] = ["app:dev"]): ExportableImage {
  const work = join(directory, "work");
  mkdirSync(work);
  return exportableImage(work, [
    [entry("etc"), entry("etc/old", "old"), entry("etc/kept", "kept"), entry("etc/changed", "1")],
    [
      entry("etc", { mode: 0o750 }),
      entry("etc/.wh.old", { type: "file", mode: 0 }),
      entry("etc/changed", "22"),
      entry("etc/link", { type: "symlink", mode: 0o777, linkTarget: "kept" }),
    ],
  ], { tags, config: { Env: ["A=b"], Cmd: ["/x"], Labels: { l: "m" } } });
}

async function write(
  image: ExportableImage,
  dest: string,
  exporter = ociArchiveExporter,
): Promise<void> {
  await exporter.export(image, { dest, attributes: {}, epochSeconds: EPOCH_SECONDS });
}

test("skopeo reads type=oci archives and folders by tag, with our digest (needs skopeo)", {
  skip: missing("skopeo"),
}, async () => {
  using directory = temporaryDirectory();
  const image = sample(directory.path, ["app:dev", "other:2"]);
  await write(image, join(directory.path, "a.tar"));
  await write(image, join(directory.path, "a/"));
  for (const place of [`oci-archive:${directory.path}/a.tar:dev`, `oci:${directory.path}/a:2`]) {
    const found = JSON.parse(run("skopeo", ["inspect", place]));
    assert.equal(found.Digest, image.manifest.digest);
    assert.deepEqual(found.Labels, { l: "m" });
    assert.deepEqual(found.Layers, image.layers.map(({ descriptor }) => descriptor.digest));
  }
});

test("skopeo copies a type=docker archive with every layer and config verified (needs skopeo)", {
  skip: missing("skopeo"),
}, async () => {
  using directory = temporaryDirectory();
  const image = sample(directory.path);
  await write(image, join(directory.path, "d.tar"), dockerArchiveExporter);
  for (const [index, source] of ["docker-archive", "oci-archive"].entries()) {
    const dest = join(directory.path, `copy-${index}`);
    run("skopeo", [
      "--insecure-policy",
      "copy",
      `${source}:${directory.path}/d.tar`,
      `dir:${dest}`,
    ]);
    const manifest = JSON.parse(readFileSync(join(dest, "manifest.json"), "utf8"));
    const config = readFileSync(join(dest, manifest.config.digest.slice("sha256:".length)));
    assert.deepEqual(config, Buffer.from(image.configBytes));
  }
  const tags = run("skopeo", ["list-tags", `docker-archive:${directory.path}/d.tar`]);
  assert.match(tags, /"app:dev"/);
});

test("umoci unpacks a type=oci folder to the files of the image (needs umoci, root)", {
  skip: notRoot || missing("umoci"),
}, async () => {
  using directory = temporaryDirectory();
  await write(sample(directory.path), join(directory.path, "layout/"));
  const bundle = join(directory.path, "bundle");
  run("umoci", ["unpack", "--image", join(directory.path, "layout:dev"), bundle]);
  const root = join(bundle, "rootfs/etc");
  assert.equal(statSync(root).mode & 0o7777, 0o750);
  assert.equal(statSync(join(root, "old"), { throwIfNoEntry: false }), undefined);
  assert.equal(readFileSync(join(root, "changed"), "utf8"), "22");
  assert.equal(readlinkSync(join(root, "link")), "kept");
  assert.equal(statSync(join(root, "kept")).mtimeMs, EPOCH_SECONDS * 1000);
});

for (const exporter of [ociArchiveExporter, dockerArchiveExporter]) {
  test(`podman loads type=${exporter.type} under its tag, with our image ID (needs podman, root)`, {
    skip: notRoot || missing("podman"),
  }, async () => {
    using directory = temporaryDirectory();
    const image = sample(directory.path);
    await write(image, join(directory.path, "i.tar"), exporter);
    const storage = [
      "--root",
      join(directory.path, "root"),
      "--runroot",
      join(directory.path, "run"),
      "--storage-driver",
      "vfs",
    ];
    const podman = (...args: readonly string[]): string => run("podman", [...storage, ...args]);
    podman("load", "-i", join(directory.path, "i.tar"));
    const [loaded] = JSON.parse(podman("image", "inspect", "app:dev"));
    assert.equal(
      `sha256:${loaded.Id}`,
      JSON.parse(new TextDecoder().decode(image.manifestBytes)).config.digest,
    );
    assert.deepEqual(loaded.RootFS.Layers, image.layers.map(({ diffId }) => diffId));
    assert.deepEqual(loaded.RepoTags, ["docker.io/library/app:dev"]);
  });
}

test("buildah builds from a type=oci archive (needs buildah, root)", {
  skip: notRoot || missing("buildah"),
}, async () => {
  using directory = temporaryDirectory();
  await write(sample(directory.path), join(directory.path, "i.tar"));
  const storage = [
    "--root",
    join(directory.path, "root"),
    "--runroot",
    join(directory.path, "run"),
    "--storage-driver",
    "vfs",
  ];
  const buildah = (...args: readonly string[]): string =>
    run("buildah", [...storage, ...args], { BUILDAH_ISOLATION: "chroot" });
  const container = buildah("from", `oci-archive:${directory.path}/i.tar`);
  const root = buildah("mount", container);
  assert.equal(readFileSync(join(root, "etc/changed"), "utf8"), "22");
  assert.equal(statSync(join(root, "etc/old"), { throwIfNoEntry: false }), undefined);
  buildah("umount", container);
  buildah("rm", container);
});
