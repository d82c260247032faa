/**
 * What the files of a copy contain: known from earlier builds, read now, or found out while the layer is written.
 *
 * @module
 */
import type { ContentDigestCache, EntryDescription } from "../context/content_digest.ts";
import type { FileContent, FileEntry, FileIdentity } from "../layer/file_entry.ts";
import type { Digest } from "../oci/digest.ts";

/** Files that nobody has read yet. */
export interface UnreadFiles {
  readonly count: number;
  readonly bytes: number;
}

/** Digests of the files of one copy. */
export class CopiedContents implements ContentDigestCache {
  readonly #cache: ContentDigestCache | undefined;
  readonly #byIdentity = new Map<FileIdentity, Digest>();
  readonly #byContent = new Map<FileContent, Digest>();

  /** @param cache what earlier builds know. */
  constructor(cache: ContentDigestCache | undefined) {
    this.#cache = cache;
  }

  get(file: string, identity: FileIdentity): Digest | undefined {
    const known = this.#byIdentity.get(identity) ?? this.#cache?.get(file, identity);
    if (known !== undefined) this.#byIdentity.set(identity, known);
    return known;
  }

  set(file: string, identity: FileIdentity, digest: Digest): void {
    this.#byIdentity.set(identity, digest);
    this.#cache?.set(file, identity, digest);
  }

  /** Of these entries, those whose digests are not known. */
  unread(entries: Iterable<FileEntry>): UnreadFiles {
    let count = 0;
    let bytes = 0;
    for (const { content, sizeBytes } of entries) {
      if (content?.kind !== "path" || content.identity === undefined) continue;
      if (this.get(content.path, content.identity) !== undefined) continue;
      count++;
      bytes += sizeBytes;
    }
    return { count, bytes };
  }

  /** Takes note of a digest that the writer of the layer found. */
  found(content: FileContent, digest: Digest): void {
    if (content.kind === "path" && content.identity !== undefined) {
      this.set(content.path, content.identity, digest);
    } else this.#byContent.set(content, digest);
  }

  /** Takes note of what an entry was described as, by which the writer sees that it is still so. */
  described({ content }: FileEntry, description: EntryDescription): void {
    if (content === undefined || description.content === undefined) return;
    if (content.kind === "path" && content.identity !== undefined) return;
    this.#byContent.set(content, description.content);
  }

  /** The digest of an entry's content, where it was described or found. */
  digestOf({ content }: FileEntry): Digest | undefined {
    if (content === undefined) return undefined;
    return content.kind === "path" && content.identity !== undefined
      ? this.#byIdentity.get(content.identity)
      : this.#byContent.get(content);
  }
}
