import assert from "node:assert/strict";
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { blobPath } from "../../../core/oci/layout.ts";
import { sha256 } from "../../../core/oci/digest.ts";
import { openStore } from "../../../core/store/store.ts";
import { bytesOf, withTempFolder, withTempStore } from "../../support/temp_store.ts";

const HELLO = bytesOf("hello");
const HELLO_DIGEST = sha256(HELLO);

test("FsBlobStore.put() writes the file that an OCI image layout has, read-only", () =>
  withTempStore(async ({ blobs, home }) => {
    await blobs.put([HELLO]);
    const path = join(home, blobPath(HELLO_DIGEST));
    assert.equal(blobs.path(HELLO_DIGEST), path);
    assert.deepEqual(new Uint8Array(readFileSync(path)), HELLO);
    assert.equal(statSync(path).mode & 0o777, 0o444);
  }));

test("FsBlobStore.put() leaves no temporary file, whether it succeeds or fails", () =>
  withTempStore(async ({ blobs, temp }) => {
    await blobs.put([HELLO]);
    await blobs.put([HELLO]);
    await assert.rejects(blobs.put([HELLO], { size: 4 }));
    await assert.rejects(blobs.put([HELLO], { digest: sha256("other") }));
    assert.deepEqual(readdirSync(temp.directory), []);
  }));

test("FsBlobStore.put() of a blob that is there makes it new to garbage collection", () =>
  withTempStore(async ({ blobs, home }) => {
    await blobs.put([HELLO]);
    const path = join(home, blobPath(HELLO_DIGEST));
    utimesSync(path, 1, 1);
    await blobs.put([HELLO]);
    assert.ok(Date.now() - statSync(path).mtimeMs < 60_000);
  }));

test("FsBlobStore.put() replaces a blob whose file was cut short", () =>
  withTempStore(async ({ blobs, home }) => {
    await blobs.put([HELLO]);
    const path = join(home, blobPath(HELLO_DIGEST));
    rmSync(path);
    writeFileSync(path, "hel");
    await blobs.put([HELLO]);
    assert.deepEqual(await blobs.readBytes(HELLO_DIGEST, 5), HELLO);
  }));

test("FsBlobStore.readBytes() refuses a blob whose bytes changed", () =>
  withTempStore(async ({ blobs, home }) => {
    await blobs.put([HELLO]);
    const path = join(home, blobPath(HELLO_DIGEST));
    rmSync(path);
    writeFileSync(path, "jello");
    await assert.rejects(blobs.readBytes(HELLO_DIGEST, 5), { code: "STORE_CORRUPT" });
  }));

test("FsBlobStore.list() passes over files that are no blobs", () =>
  withTempStore(async ({ blobs, home }) => {
    await blobs.put([HELLO]);
    writeFileSync(join(home, "blobs", "sha256", "README"), "x");
    writeFileSync(join(home, "blobs", "sha512", "a".repeat(64)), "x");
    const listed: string[] = [];
    for await (const digest of blobs.list()) listed.push(digest);
    assert.deepEqual(listed, [HELLO_DIGEST]);
  }));

test("FsBlobStore.putFile() of a file that is not there fails and stores nothing", () =>
  withTempStore(async ({ blobs, temp }) => {
    await assert.rejects(blobs.putFile(temp.newPath(), HELLO_DIGEST), { code: "ENOENT" });
    assert.equal(await blobs.has(HELLO_DIGEST), false);
  }));

test("FsBlobStore.put() says STORE_UNWRITABLE when its folder was replaced by a file", () =>
  withTempStore(async ({ blobs, temp }) => {
    rmSync(temp.directory, { recursive: true });
    writeFileSync(temp.directory, "");
    await assert.rejects(blobs.put([HELLO]), (error: Error & { code?: string; hint?: string }) => {
      assert.equal(error.code, "STORE_UNWRITABLE");
      assert.ok(error.message.includes(temp.directory));
      assert.match(error.hint ?? "", /LAYERWRIGHT_HOME/);
      return true;
    });
    assert.equal(await blobs.has(HELLO_DIGEST), false);
  }));

test("openStore() says STORE_UNWRITABLE for a home below a file", () =>
  withTempFolder((folder) => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    for (const home of [file, join(file, "home")]) {
      assert.throws(() => openStore({ home, durability: "safe" }), { code: "STORE_UNWRITABLE" });
    }
    assert.equal(statSync(file).size, 0);
  }));

test("openStore() makes a home that is its owner's alone, an empty OCI image layout", () =>
  withTempFolder((folder) => {
    const home = join(folder, "a", "b");
    openStore({ home, durability: "fast" })[Symbol.dispose]();
    assert.equal(statSync(home).mode & 0o777, 0o700);
    assert.deepEqual(JSON.parse(readFileSync(join(home, "oci-layout"), "utf8")), {
      imageLayoutVersion: "1.0.0",
    });
    assert.deepEqual(JSON.parse(readFileSync(join(home, "index.json"), "utf8")).manifests, []);
    assert.equal(existsSync(join(home, "blobs", "sha256")), true);
    assert.deepEqual(readdirSync(join(home, "tmp")), []);
  }));
