/**
 * A process that works on a store, for tests with several of them. Arguments: home, task, and the task's own.
 * Prints one line when it starts its work.
 *
 * @module
 */
import { openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { LayerwrightError } from "../../../core/errors.ts";
import { sha256 } from "../../../core/oci/digest.ts";
import type { DurabilityMode } from "../../../core/store/durability.ts";
import { openStore, type Store } from "../../../core/store/store.ts";

/** What is in blob number `n`: some small, some of several pieces. */
export function blobOfNumber(n: number): Uint8Array {
  return new Uint8Array(n % 5 === 0 ? 1_500_000 : 2000).fill(n).fill(n >> 8, 0, 100);
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += 300_000) {
    yield await Promise.resolve(bytes.subarray(i, i + 300_000));
  }
}

const TASKS: Readonly<Record<string, (store: Store, count: number, who: string) => Promise<void>>> =
  {
    /** Puts blobs 0 to count - 1, and tags each. */
    async put({ blobs, refs }, count): Promise<void> {
      for (let n = 0; n < count; n++) {
        const blob = await blobs.put(inPieces(blobOfNumber(n)));
        refs.set(`app:${n}`, { mediaType: "application/octet-stream", ...blob });
      }
    },
    /** Adds 1 to a number in a file, which loses counts unless one process does it at a time. */
    async count(store, count): Promise<void> {
      const path = join(store.home, "counter");
      for (let n = 0; n < count; n++) {
        await store.withLock("counter", undefined, async () => {
          const value = Number(readFileSync(path, "utf8"));
          await Promise.resolve();
          writeSync(openSync(path, "r+"), String(value + 1).padStart(6));
        });
      }
    },
    /** Holds a lock, and says so, until it is killed. */
    async hold(store, _count, who): Promise<void> {
      await store.withLock(who, undefined, async () => {
        writeSync(1, "held\n");
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      });
    },
    /** Puts blobs until that fails, removes one, and goes on; prints the code and what is in tmp/ then. */
    async fill({ blobs, temp }): Promise<void> {
      let n = 0;
      const failure: unknown = await (async () => {
        for (;; n++) await blobs.put([new Uint8Array(500_000).fill(n)]);
      })().catch((error: unknown) => error);
      const code = failure instanceof LayerwrightError ? failure.code : String(failure);
      writeSync(1, `${code} tmp:${readdirSync(temp.directory).length}\n`);
      for await (const digest of blobs.list()) {
        if (sha256(await blobs.readBytes(digest, 1 << 20)) !== digest) throw new Error("damaged");
        await blobs.delete(digest);
        break;
      }
      await blobs.put([new Uint8Array(400_000)]);
      writeSync(1, "recovered\n");
    },
    /** Takes a lease, and leaves a temporary file, until it is killed. */
    async lease({ blobs, leases, temp }): Promise<void> {
      leases.acquire();
      temp.newDirectory();
      await blobs.put([blobOfNumber(1)]);
      writeSync(1, "leased\n");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    },
  };

if (import.meta.main) {
  const [home = "", durability = "", task = "", count = "0", who = ""] = process.argv.slice(2);
  try {
    using store = openStore({ home, durability: durability as DurabilityMode });
    writeSync(1, "started\n");
    await TASKS[task]?.(store, Number(count), who);
  } catch (error) {
    writeSync(1, error instanceof LayerwrightError ? error.format() + "\n" : `${error}\n`);
    process.exitCode = 1;
  }
}
