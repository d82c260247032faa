/**
 * Blobs that are being compressed, and those that a killed or cancelled process did not finish.
 *
 * @module
 */
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DiffID } from "../oci/digest.ts";
import { guarded } from "./store_error.ts";
import { PartialBlob } from "./partial_blob.ts";

/** A blob that is not finished. */
export interface UnfinishedBlob {
  readonly path: string;
  /** The layer it is made of. */
  readonly diffId: DiffID;
  /** Bytes on disk. */
  readonly size: number;
  readonly modifiedMs: number;
}

/** The folder `partial/` of a store. Whoever opens a file there holds the lock of its layer and encoder. */
export class PartialFolder {
  readonly directory: string;

  constructor(home: string) {
    this.directory = join(home, "partial");
  }

  /** The blob that an encoder makes of a layer: where an earlier attempt stopped, else empty. */
  open(diffId: DiffID, encoder: string): PartialBlob {
    guarded(
      "make the folder of unfinished blobs",
      this.directory,
      () => mkdirSync(this.directory, { recursive: true }),
    );
    return new PartialBlob(join(this.directory, fileName(diffId, encoder)));
  }

  /** All of them. */
  list(): UnfinishedBlob[] {
    return this.#names().flatMap((name) => {
      const [, algorithm, hex] = /^(sha256|sha512)_([0-9a-f]+)_/.exec(name) ?? [];
      const path = join(this.directory, name);
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return [];
      const diffId = `${algorithm}:${hex}` as DiffID;
      return [{ path, diffId, size: stats.size, modifiedMs: stats.mtimeMs }];
    });
  }

  #names(): string[] {
    try {
      return readdirSync(this.directory);
    } catch {
      // Made when it is first needed.
      return [];
    }
  }

  /** Removes one of {@link list}. */
  remove({ path }: UnfinishedBlob): void {
    rmSync(path, { force: true });
  }
}

function fileName(diffId: DiffID, encoder: string): string {
  // No colons: not every file system takes them.
  return `${diffId.replace(":", "_")}_${encoder.replace(":", "_")}`;
}
