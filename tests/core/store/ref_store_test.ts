import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Descriptor } from "../../../core/oci/descriptor.ts";
import { sha256 } from "../../../core/oci/digest.ts";
import { parseImageIndex } from "../../../core/oci/image_index.ts";
import { OCI_IMAGE_MANIFEST } from "../../../core/oci/media_type.ts";
import type { Store } from "../../../core/store/store.ts";
import { withTempStore } from "../../support/temp_store.ts";

const descriptor = (text: string): Descriptor => ({
  mediaType: OCI_IMAGE_MANIFEST,
  digest: sha256(text),
  size: text.length,
});

function indexNames(store: Store): (string | undefined)[] {
  return parseImageIndex(readFileSync(join(store.home, "index.json"))).manifests
    .map((manifest) => manifest.annotations?.["org.opencontainers.image.ref.name"]);
}

test("RefStore.get() finds a name under every spelling", () =>
  withTempStore(({ refs }) => {
    refs.set("app:dev", descriptor("a"));
    for (
      const name of [
        "app:dev",
        "library/app:dev",
        "docker.io/library/app:dev",
        "index.docker.io/app:dev",
      ]
    ) {
      assert.deepEqual(refs.get(name), descriptor("a"));
    }
    assert.equal(refs.get("app"), undefined);
  }));

test("RefStore.set() moves a name, and keeps all of a descriptor", () =>
  withTempStore(({ refs }) => {
    refs.set("app", descriptor("a"));
    const full = {
      ...descriptor("b"),
      annotations: { x: "y" },
      platform: { os: "linux", architecture: "arm", variant: "v7" },
      "com.example.unknown": [1],
    };
    refs.set("app:latest", full);
    assert.deepEqual(refs.list().map(({ name, descriptor }) => [name, descriptor]), [
      ["docker.io/library/app:latest", full],
    ]);
  }));

test("RefStore.delete() removes one name", () =>
  withTempStore((store) => {
    store.refs.set("app:1", descriptor("a"));
    store.refs.set("app:2", descriptor("a"));
    assert.equal(store.refs.delete("app:1"), true);
    assert.equal(store.refs.delete("app:1"), false);
    assert.deepEqual(store.refs.list().map(({ name }) => name), ["docker.io/library/app:2"]);
    assert.deepEqual(indexNames(store), ["app:2"]);
  }));

test("RefStore.set() refuses what is no reference, and changes nothing", () =>
  withTempStore((store) => {
    assert.throws(() => store.refs.set("My/App", descriptor("a")), { code: "REFERENCE_INVALID" });
    assert.deepEqual(indexNames(store), []);
  }));

test("RefStore.set() writes index.json with the names of other tools", () =>
  withTempStore((store) => {
    store.refs.set("registry.example:5000/team/app:1", {
      ...descriptor("a"),
      annotations: { mine: "1" },
    });
    store.refs.set("app", descriptor("b"));
    const { manifests } = parseImageIndex(readFileSync(join(store.home, "index.json")));
    assert.deepEqual(manifests, [
      {
        ...descriptor("b"),
        annotations: {
          "io.containerd.image.name": "docker.io/library/app:latest",
          "org.opencontainers.image.ref.name": "app:latest",
        },
      },
      {
        ...descriptor("a"),
        annotations: {
          "io.containerd.image.name": "registry.example:5000/team/app:1",
          mine: "1",
          "org.opencontainers.image.ref.name": "registry.example:5000/team/app:1",
        },
      },
    ]);
  }));

test("RefStore.list() says STORE_CORRUPT of a tag that cannot be read, and keeps it", () =>
  withTempStore(({ refs, database }) => {
    refs.set("app", descriptor("a"));
    database.run("UPDATE refs SET descriptor = '{'");
    assert.throws(() => refs.list(), {
      code: "STORE_CORRUPT",
      message: /docker\.io\/library\/app:latest/,
    });
    assert.equal(database.get("SELECT count(*) AS n FROM refs")?.n, 1);
  }));
