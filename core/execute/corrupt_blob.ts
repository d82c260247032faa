/**
 * What is thrown for stored bytes that changed.
 *
 * @module
 */
import { LayerwrightError, type SourceLocation } from "../errors.ts";
import type { Digest } from "../oci/digest.ts";

/** A stored blob whose bytes are not those of its digest; the build drops it and makes it again. */
export class CorruptBlobError extends LayerwrightError {
  readonly digest: Digest;
  readonly #found: string;

  /** @param found The digest that its bytes have now. */
  constructor(digest: Digest, found: string, at?: SourceLocation) {
    super(
      "STORE_CORRUPT",
      `Cannot use blob ${digest}: its bytes in the store have digest ${found}`,
      { at, hint: "build again; if it repeats, check the disk" },
    );
    this.digest = digest;
    this.#found = found;
  }

  // Of this class still, since the build acts on it.
  override located(at: SourceLocation | undefined): CorruptBlobError {
    return this.at === undefined ? new CorruptBlobError(this.digest, this.#found, at) : this;
  }
}
