/** The store as other tools see it: an OCI image layout. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { type DiffID, sha256 } from "../../core/oci/digest.ts";
import { serializeImageConfig } from "../../core/oci/image_config.ts";
import { serializeManifest } from "../../core/oci/manifest.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_MANIFEST, OCI_LAYER_GZIP } from "../../core/oci/media_type.ts";
import { openStore, type Store } from "../../core/store/store.ts";
import { programPath } from "../support/program_path.ts";
import { withTempFolder, withTempStore } from "../support/temp_store.ts";

const skopeo = programPath("skopeo");
const skip = skopeo === undefined && "needs skopeo";
const NAMES = ["app:dev", "registry.example:5000/team/app:1.0"];

/** Stores and tags a small image; returns the digest of its manifest. */
async function tagImage(store: Store): Promise<string> {
  const tar = new Uint8Array(1024);
  const config = {
    architecture: "amd64",
    os: "linux",
    config: { Labels: { made: "here" } },
    rootfs: { type: "layers" as const, diff_ids: [sha256<DiffID>(tar)] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: "test" }],
  };
  const manifest = {
    schemaVersion: 2 as const,
    mediaType: OCI_IMAGE_MANIFEST,
    config: {
      mediaType: OCI_IMAGE_CONFIG,
      ...await store.blobs.put([serializeImageConfig(config)]),
    },
    layers: [{
      mediaType: OCI_LAYER_GZIP,
      ...await store.blobs.put([new Uint8Array(gzipSync(tar))]),
    }],
  };
  const blob = await store.blobs.put([serializeManifest(manifest)]);
  for (const name of NAMES) store.refs.set(name, { mediaType: OCI_IMAGE_MANIFEST, ...blob });
  return blob.digest;
}

test(
  "skopeo inspects an image of the store by its familiar name (needs skopeo)",
  { skip },
  () =>
    withTempStore(async (store) => {
      const digest = await tagImage(store);
      for (const name of NAMES) {
        const answer = JSON.parse(
          execFileSync(skopeo ?? "", ["inspect", `oci:${store.home}:${name}`], {
            encoding: "utf8",
          }),
        );
        assert.equal(answer.Digest, digest);
        assert.deepEqual(answer.Labels, { made: "here" });
      }
    }),
);

test(
  "skopeo copies an image out of the store with the digest it has (needs skopeo)",
  { skip },
  () =>
    withTempStore((store) =>
      withTempFolder(async (folder) => {
        const digest = await tagImage(store);
        const target = join(folder, "copy");
        execFileSync(skopeo ?? "", [
          "copy",
          "--quiet",
          "--insecure-policy",
          `oci:${store.home}:app:dev`,
          `oci:${target}:x`,
        ]);
        assert.equal(statSync(join(target, "blobs", digest.replace(":", "/"))).isFile(), true);
      })
    ),
);

test(
  "openStore() takes over a layout that skopeo wrote (needs skopeo)",
  { skip },
  () =>
    withTempStore((store) =>
      withTempFolder(async (folder) => {
        const digest = await tagImage(store);
        const home = join(folder, "layout");
        execFileSync(skopeo ?? "", [
          "copy",
          "--quiet",
          "--insecure-policy",
          `oci:${store.home}:app:dev`,
          `oci:${home}:team/app:2`,
        ]);
        using taken = openStore({ home, durability: "fast" });
        assert.equal(taken.refs.get("team/app:2")?.digest, digest);
        assert.equal(
          await taken.blobs.has(taken.refs.get("team/app:2")?.digest ?? sha256("")),
          true,
        );
        assert.match(readFileSync(join(home, "oci-layout"), "utf8"), /imageLayoutVersion/);
      })
    ),
);
