import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { indexTar } from "../../../core/layer/tar_reader.ts";
import { sha256 } from "../../../core/oci/digest.ts";
import { dockerArchiveExporter } from "../../../core/transfer/docker_archive.ts";
import type { ExportableImage, ExportOptions } from "../../../core/transfer/exporter.ts";
import { ociArchiveExporter } from "../../../core/transfer/oci_archive.ts";
import { entry, EPOCH_SECONDS, exportableImage } from "../../support/exportable_image.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

function sample(directory: string, tags: readonly string[], text = "hello"): ExportableImage {
  const work = join(directory, `work-${text}`);
  mkdirSync(work);
  return exportableImage(work, [[entry("hello.txt", text)], [entry("srv"), entry("srv/b", "b")]], {
    tags,
  });
}

function to(dest: string, more: Partial<ExportOptions> = {}): ExportOptions {
  return { dest, attributes: {}, epochSeconds: EPOCH_SECONDS, ...more };
}

/** Path → bytes of the files of an archive. */
function filesOf(archive: string): Map<string, Buffer> {
  const bytes = readFileSync(archive);
  return new Map(
    indexTar(archive).filter(({ type }) => type === "file").map(({ path, content, sizeBytes }) => {
      const offset = content?.kind === "slice" ? content.offset : 0;
      return [path, bytes.subarray(offset, offset + sizeBytes)];
    }),
  );
}

test("ociArchiveExporter writes a layout whose blobs have the digests of their names", async () => {
  using directory = temporaryDirectory();
  const image = sample(directory.path, ["app:dev", "registry.example/team/app:1"]);
  const dest = join(directory.path, "new/folder/out.tar");
  await ociArchiveExporter.export(image, to(dest));
  const files = filesOf(dest);
  const blobs = [...files].filter(([path]) => path.startsWith("blobs/sha256/"));
  assert.equal(blobs.length, 4);
  for (const [path, bytes] of blobs) assert.equal(`blobs/sha256/${sha256(bytes).slice(7)}`, path);
  assert.equal(files.get("oci-layout")?.toString(), '{"imageLayoutVersion":"1.0.0"}');
  assert.equal(files.has("manifest.json"), false);
  const index = JSON.parse(files.get("index.json")?.toString() ?? "");
  const { architecture } = image.config;
  assert.deepEqual(
    index.manifests,
    [["docker.io/library/app:dev", "dev"], ["registry.example/team/app:1", "1"]].map(
      ([name, tag]) => ({
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        digest: image.manifest.digest,
        size: image.manifest.size,
        platform: { architecture, os: "linux" },
        annotations: {
          "io.containerd.image.name": name,
          "org.opencontainers.image.ref.name": tag,
          "org.opencontainers.image.created": "2020-01-01T00:00:00Z",
        },
      }),
    ),
  );
});

test("ociArchiveExporter lists an image without tags once, without a name", async () => {
  using directory = temporaryDirectory();
  const dest = join(directory.path, "out.tar");
  await ociArchiveExporter.export(sample(directory.path, []), to(dest));
  const { manifests } = JSON.parse(filesOf(dest).get("index.json")?.toString() ?? "");
  assert.equal(manifests.length, 1);
  assert.deepEqual(Object.keys(manifests[0].annotations), ["org.opencontainers.image.created"]);
});

test("dockerArchiveExporter adds a manifest.json with docker's names and paths of blobs", async () => {
  using directory = temporaryDirectory();
  const image = sample(directory.path, ["app:dev", "registry.example/team/app:1"]);
  const dest = join(directory.path, "out.tar");
  await dockerArchiveExporter.export(image, to(dest));
  const files = filesOf(dest);
  const [manifest] = JSON.parse(files.get("manifest.json")?.toString() ?? "");
  assert.deepEqual(manifest.RepoTags, ["app:dev", "registry.example/team/app:1"]);
  assert.deepEqual(files.get(manifest.Config), Buffer.from(image.configBytes));
  assert.equal(manifest.Layers.length, 2);
  for (const path of manifest.Layers) assert.ok(files.has(path), path);
});

for (const exporter of [ociArchiveExporter, dockerArchiveExporter]) {
  test(`type=${exporter.type} gives the same bytes each time, to a file and to a stream`, async () => {
    using directory = temporaryDirectory();
    const image = sample(directory.path, ["app:dev"]);
    const dest = join(directory.path, "out.tar");
    await exporter.export(image, to(dest));
    const first = readFileSync(dest);
    await exporter.export(image, to(dest));
    const pieces: Uint8Array[] = [];
    await exporter.export(image, to("-", { write: (bytes) => pieces.push(bytes) }));
    assert.ok(first.equals(readFileSync(dest)));
    assert.ok(first.equals(Buffer.concat(pieces)));
    for (const { mtimeSeconds, uid, gid } of indexTar(dest)) {
      assert.deepEqual({ mtimeSeconds, uid, gid }, { mtimeSeconds: EPOCH_SECONDS, uid: 0, gid: 0 });
    }
  });

  test(`type=${exporter.type} to a folder leaves nothing when it fails`, async () => {
    using directory = temporaryDirectory();
    const image = sample(directory.path, ["app:dev"]);
    truncateSync(image.layers[1]?.blobPath ?? "", 10);
    await assert.rejects(async () => await exporter.export(image, to(`${directory.path}/out/`)), {
      code: "EXPORT_FAILED",
    });
    assert.deepEqual(readdirSync(directory.path), ["work-hello"]);
  });
}

test("ociArchiveExporter writes a folder for tar=false, for a slash at the end, and onto a layout", async () => {
  using directory = temporaryDirectory();
  const [a, b] = [join(directory.path, "a"), join(directory.path, "b")];
  const image = sample(directory.path, ["app:dev"]);
  await ociArchiveExporter.export(image, to(a, { attributes: { tar: "false" } }));
  await ociArchiveExporter.export(image, to(`${b}/`));
  assert.deepEqual(readdirSync(a).sort(), ["blobs", "index.json", "oci-layout"]);
  assert.deepEqual(readFileSync(join(a, "index.json")), readFileSync(join(b, "index.json")));
  await ociArchiveExporter.export(image, to(b));
  assert.deepEqual(readFileSync(join(a, "index.json")), readFileSync(join(b, "index.json")));
  await ociArchiveExporter.export(image, to(a, { attributes: { tar: "0" } }));
  assert.deepEqual(readdirSync(a).sort(), ["blobs", "index.json", "oci-layout"]);
});

test("ociArchiveExporter keeps the other images of a layout, and replaces those of the same name", async () => {
  using directory = temporaryDirectory();
  const dest = join(directory.path, "layout");
  const names = (): [string, string][] =>
    JSON.parse(readFileSync(join(dest, "index.json"), "utf8")).manifests.map(
      (manifest: { annotations: Record<string, string>; digest: string }) => [
        manifest.annotations["io.containerd.image.name"],
        manifest.digest,
      ],
    );
  const one = sample(directory.path, ["one:1", "both:1"], "one");
  const two = sample(directory.path, ["two:1", "both:1"], "two");
  await ociArchiveExporter.export(one, to(`${dest}/`));
  await ociArchiveExporter.export(two, to(`${dest}/`));
  assert.deepEqual(names(), [
    ["docker.io/library/one:1", one.manifest.digest],
    ["docker.io/library/two:1", two.manifest.digest],
    ["docker.io/library/both:1", two.manifest.digest],
  ]);
  for (const image of [one, two]) {
    assert.ok(existsSync(join(dest, "blobs/sha256", image.manifest.digest.slice(7))));
  }
});

test("ociArchiveExporter refuses a folder with other things in it, and changes nothing there", async () => {
  using directory = temporaryDirectory();
  const image = sample(directory.path, ["app:dev"]);
  const dest = join(directory.path, "project");
  mkdirSync(dest);
  writeFileSync(join(dest, "index.json"), "mine");
  await assert.rejects(async () => await ociArchiveExporter.export(image, to(dest)), {
    code: "EXPORT_FAILED",
    hint: "choose a new folder",
  });
  assert.deepEqual(readdirSync(dest), ["index.json"]);
});

const MISTAKES: readonly [
  what: string,
  options: Partial<ExportOptions>,
  code: string,
  message: RegExp,
][] = [
  ["a tar that is no boolean", { attributes: { tar: "maybe" } }, "OPTION_INVALID", /tar="maybe"/],
  [
    "a folder to a stream",
    { dest: "-", attributes: { tar: "false" } },
    "OPTION_INVALID",
    /tar=false/,
  ],
  ["a stream that is not there", { dest: "-" }, "EXPORT_FAILED", /no stream/],
];
for (const [what, options, code, message] of MISTAKES) {
  test(`ociArchiveExporter refuses ${what}`, async () => {
    using directory = temporaryDirectory();
    const image = sample(directory.path, ["app:dev"]);
    const dest = join(directory.path, "out.tar");
    await assert.rejects(async () => await ociArchiveExporter.export(image, to(dest, options)), {
      code,
      message,
    });
    assert.deepEqual(readdirSync(directory.path), ["work-hello"]);
  });
}
