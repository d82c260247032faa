/**
 * The folder of blobs as an OCI image layout has it: `blobs/<algorithm>/<hex>`.
 *
 * @module
 */
import { mkdirSync, readdirSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { type Digest, digestAlgorithm, digestHex, isDigest } from "../oci/digest.ts";

const ALGORITHMS = ["sha256", "sha512"] as const;

/** Paths and names of blobs, nothing about their content. */
export class BlobFolder {
  readonly #home: string;

  constructor(home: string) {
    this.#home = home;
  }

  /** Makes the folders that are missing. */
  create(): void {
    for (const algorithm of ALGORITHMS) {
      mkdirSync(join(this.#home, "blobs", algorithm), { recursive: true });
    }
  }

  /** The file of a blob, whether it is here or not. */
  filePath(digest: Digest): string {
    return join(this.#home, "blobs", digestAlgorithm(digest), digestHex(digest));
  }

  /** The file of a blob as it is now; undefined when there is none. */
  stat(digest: Digest): Stats | undefined {
    const stats = statSync(this.filePath(digest), { throwIfNoEntry: false });
    return stats?.isFile() ? stats : undefined;
  }

  /** Every blob here. Files of other names are not ours and not looked at. */
  digests(): Digest[] {
    return ALGORITHMS.flatMap((algorithm) =>
      readdirSync(join(this.#home, "blobs", algorithm)).map((hex) => `${algorithm}:${hex}`).filter(
        isDigest,
      )
    );
  }
}
