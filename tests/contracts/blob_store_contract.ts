/**
 * What every {@link BlobStore} does. Run by blob_store_test.ts on each implementation.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Digest, sha256 } from "../../core/oci/digest.ts";
import type { BlobStore } from "../../core/store/blob_store.ts";
import { bytesOf } from "../support/temp_store.ts";

/** Runs a test with a new empty store and a folder on its file system for files to put. */
export type WithBlobStore = (
  test: (store: BlobStore, tempFolder: string) => Promise<void>,
) => Promise<void>;

const HELLO = bytesOf("hello");
const HELLO_DIGEST = sha256(HELLO);

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(bytesOf(text));
}

async function readAll(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

async function listed(store: BlobStore): Promise<Digest[]> {
  const digests: Digest[] = [];
  for await (const digest of store.list()) digests.push(digest);
  return digests.sort();
}

/** Declares the tests of the contract for one implementation. */
export function blobStoreContract(name: string, withStore: WithBlobStore): void {
  const check = (criterion: string, run: Parameters<WithBlobStore>[0]): void => {
    test(`${name}${criterion}`, () => withStore(run));
  };

  check(".put() stores pieces under the digest of the whole", async (store) => {
    assert.deepEqual(await store.put(pieces("he", "", "llo")), { digest: HELLO_DIGEST, size: 5 });
    assert.equal(await store.has(HELLO_DIGEST), true);
    assert.equal(await store.size(HELLO_DIGEST), 5);
    assert.deepEqual(await readAll(store.openRead(HELLO_DIGEST)), HELLO);
    assert.deepEqual(await store.readBytes(HELLO_DIGEST, 5), HELLO);
  });

  check(".put() stores the empty blob", async (store) => {
    const { digest, size } = await store.put([]);
    assert.equal(size, 0);
    assert.equal(await store.size(digest), 0);
    assert.deepEqual(await readAll(store.openRead(digest)), new Uint8Array());
    assert.deepEqual(await store.readBytes(digest, 0), new Uint8Array());
  });

  check(".put() keeps blobs of many pieces byte for byte", async (store) => {
    const bytes = new Uint8Array(randomBytes(2_500_001));
    const cut = [bytes.subarray(0, 1), bytes.subarray(1, 1_700_000), bytes.subarray(1_700_000)];
    const { digest } = await store.put(cut);
    assert.equal(digest, sha256(bytes));
    assert.deepEqual(await readAll(store.openRead(digest)), bytes);
  });

  check(".put() copies pieces whose buffer the sender uses again", async (store) => {
    const buffer = new Uint8Array(1);
    const source = (function* (): Generator<Uint8Array> {
      for (const byte of [1, 2, 3]) {
        buffer[0] = byte;
        yield buffer;
      }
    })();
    const { digest } = await store.put(source);
    assert.deepEqual(await store.readBytes(digest, 3), Uint8Array.of(1, 2, 3));
  });

  check(".put() is idempotent", async (store) => {
    const first = await store.put([HELLO]);
    assert.deepEqual(await store.put([HELLO], first), first);
    assert.deepEqual(await listed(store), [HELLO_DIGEST]);
  });

  check(".put() takes the same blob from several senders at once", async (store) => {
    const results = await Promise.all(
      Array.from(
        { length: 8 },
        (_, i) => store.put(pieces("hello".slice(0, i % 5), "hello".slice(i % 5))),
      ),
    );
    for (const result of results) assert.deepEqual(result, { digest: HELLO_DIGEST, size: 5 });
    assert.deepEqual(await listed(store), [HELLO_DIGEST]);
  });

  check(".put() uses the algorithm of the expected digest", async (store) => {
    const digest = `sha512:${createHash("sha512").update(HELLO).digest("hex")}` as Digest;
    assert.deepEqual(await store.put([HELLO], { digest, size: 5 }), { digest, size: 5 });
    assert.deepEqual(await store.readBytes(digest, 5), HELLO);
    assert.deepEqual(await listed(store), [digest]);
  });

  check(".put() refuses bytes of another digest, naming both", async (store) => {
    const expected = sha256("other");
    await assert.rejects(
      store.put([HELLO], { digest: expected }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "BLOB_DIGEST_MISMATCH");
        assert.ok(
          error.message.includes(HELLO_DIGEST) && error.message.includes(expected),
          error.message,
        );
        return true;
      },
    );
    assert.deepEqual(await listed(store), []);
  });

  for (const size of [0, 4, 6]) {
    check(`.put() refuses 5 bytes where ${size} are expected`, async (store) => {
      await assert.rejects(store.put([HELLO], { size }), { code: "BLOB_DIGEST_MISMATCH" });
      assert.deepEqual(await listed(store), []);
    });
  }

  check(".put() stops reading a source that is too long", async (store) => {
    let sent = 0;
    let closed = false;
    const endless = (async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          sent += 1;
          yield await Promise.resolve(HELLO);
        }
      } finally {
        closed = true;
      }
    })();
    await assert.rejects(store.put(endless, { size: 12 }), { code: "BLOB_DIGEST_MISMATCH" });
    assert.equal(sent, 3);
    assert.equal(closed, true);
  });

  check(".put() passes on what its source throws and stores nothing", async (store) => {
    const fault = new Error("connection lost");
    const source = (async function* (): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(HELLO);
      throw fault;
    })();
    await assert.rejects(store.put(source), (error) => error === fault);
    assert.deepEqual(await listed(store), []);
  });

  check(".putFile() moves a file in", async (store, tempFolder) => {
    const path = join(tempFolder, "file");
    writeFileSync(path, HELLO);
    assert.deepEqual(await store.putFile(path, HELLO_DIGEST), { digest: HELLO_DIGEST, size: 5 });
    assert.equal(existsSync(path), false);
    assert.deepEqual(await store.readBytes(HELLO_DIGEST, 5), HELLO);
    writeFileSync(path, HELLO);
    await store.putFile(path, HELLO_DIGEST);
    assert.equal(existsSync(path), false);
    assert.deepEqual(await listed(store), [HELLO_DIGEST]);
  });

  check(".openRead() reads the range it is asked for", async (store) => {
    await store.put([HELLO]);
    const text = async (start: number, end?: number): Promise<string> =>
      new TextDecoder().decode(
        await readAll(store.openRead(HELLO_DIGEST, end === undefined ? { start } : { start, end })),
      );
    assert.equal(await text(1), "ello");
    assert.equal(await text(1, 3), "el");
    assert.equal(await text(0, 99), "hello");
    assert.equal(await text(5), "");
    assert.equal(await text(9), "");
    assert.equal(await text(2, 2), "");
  });

  check(".openRead() may be left early", async (store) => {
    const { digest } = await store.put([new Uint8Array(3_000_000)]);
    for await (const piece of store.openRead(digest)) {
      assert.ok(piece.length > 0);
      break;
    }
    assert.equal(await store.delete(digest), true);
  });

  check(" says of a missing blob that it is missing", async (store) => {
    assert.equal(await store.has(HELLO_DIGEST), false);
    assert.equal(await store.size(HELLO_DIGEST), undefined);
    assert.equal(await store.delete(HELLO_DIGEST), false);
    assert.equal(store.path?.(HELLO_DIGEST), undefined);
    await assert.rejects(store.readBytes(HELLO_DIGEST, 9), { code: "BLOB_MISSING" });
    await assert.rejects(readAll(store.openRead(HELLO_DIGEST)), { code: "BLOB_MISSING" });
  });

  check(".readBytes() refuses what is over the limit", async (store) => {
    await store.put([HELLO]);
    await assert.rejects(store.readBytes(HELLO_DIGEST, 4), { code: "BLOB_LIMIT" });
  });

  check(".delete() removes one blob and no other", async (store) => {
    const other = await store.put(pieces("other"));
    await store.put([HELLO]);
    assert.equal(await store.delete(HELLO_DIGEST), true);
    assert.equal(await store.has(HELLO_DIGEST), false);
    assert.deepEqual(await listed(store), [other.digest]);
    await store.put([HELLO]);
    assert.deepEqual(await store.readBytes(HELLO_DIGEST, 5), HELLO);
  });
}
