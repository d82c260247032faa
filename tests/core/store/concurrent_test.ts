/** Several processes of both runtimes on one store. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { sha256 } from "../../../core/oci/digest.ts";
import { parseImageIndex } from "../../../core/oci/image_index.ts";
import { openStore } from "../../../core/store/store.ts";
import { startChild } from "../../support/child.ts";
import { runtimeCommands } from "../../support/runtimes.ts";
import { withTempFolder } from "../../support/temp_store.ts";
import { blobOfNumber } from "./store_worker.ts";

const WORKER = fileURLToPath(new URL("./store_worker.ts", import.meta.url));
const runtimes = runtimeCommands(WORKER);
// Two of each runtime that is installed.
const commands = [...runtimes, ...runtimes];

test("processes of every runtime make one store and put the same blobs and tags at once", () =>
  withTempFolder(async (home) => {
    const count = 60;
    const children = commands.map((command, i) =>
      startChild([...command, home, i % 2 === 0 ? "fast" : "safe", "put", String(count)])
    );
    await Promise.all(children.map((child) => child.succeeded()));
    using store = openStore({ home, durability: "fast" });
    const expected = new Map(
      Array.from(
        { length: count },
        (_, n) => [`docker.io/library/app:${n}`, sha256(blobOfNumber(n))],
      ),
    );
    const refs = store.refs.list();
    assert.deepEqual(
      new Map(refs.map((ref) => [ref.name, ref.descriptor.digest])),
      new Map([...expected].sort()),
    );
    for (const digest of expected.values()) {
      assert.equal(sha256(await store.blobs.readBytes(digest, 1 << 21)), digest);
    }
    const index = parseImageIndex(readFileSync(join(home, "index.json")));
    assert.deepEqual(
      index.manifests.map(({ digest }) => digest),
      refs.map((ref) => ref.descriptor.digest),
    );
    assert.deepEqual(store.temp.abandoned(), []);
  }));

test("withLock() lets one process of all work at a time", () =>
  withTempFolder(async (home) => {
    const count = 40;
    writeFileSync(join(home, "counter"), "     0");
    const children = commands.map((command) =>
      startChild([...command, home, "fast", "count", String(count)])
    );
    await Promise.all(children.map((child) => child.succeeded()));
    assert.equal(Number(readFileSync(join(home, "counter"), "utf8")), count * commands.length);
  }));
