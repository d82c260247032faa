/**
 * The sources of a copy as they stand in its cache key.
 *
 * @module
 */
import { describeEntry, type EntryDescription } from "../context/content_digest.ts";
import { modeChange } from "../context/copy_mode.ts";
import { canonicalJson } from "../graph/canonical_json.ts";
import type { CopyOp } from "../graph/op.ts";
import { ContentReader } from "../layer/file_content.ts";
import { LongPart } from "../solve/cache_key.ts";
import type { CopiedContents } from "./copied_contents.ts";
import type { CopyItem } from "./landing.ts";

/** What decides how files are described. */
export interface CopyItemsOptions {
  readonly op: Pick<CopyOp, "mode" | "keepTimes">;
  readonly contents: CopiedContents;
  readonly epochSeconds: number;
}

/** What became of items where they landed, as far as it tells what of them decides. */
export interface ItemsLanding {
  /** Files landed in a directory, under their own names. */
  readonly keepsNames: boolean;
  /** Those that were archives, and were extracted. */
  readonly archives: ReadonlySet<CopyItem>;
}

/** The sources of a copy as they were found, files with their names; see {@link landed}. */
export class CopyItems extends LongPart {
  readonly #described: readonly DescribedItem[];
  readonly #keepTimes: boolean;

  constructor(described: readonly DescribedItem[], keepTimes: boolean) {
    super(listJson(described.map(({ json }) => json)));
    // Of directories all that was found decides, and their texts are long.
    this.#described = described.some(({ file }) => file !== undefined) ? described : [];
    this.#keepTimes = keepTimes;
  }

  /** Whether any is copied as a file. */
  hasFiles({ archives }: ItemsLanding): boolean {
    return this.#described.some(({ item, file }) => file !== undefined && !archives.has(item));
  }

  /** What of them decides the layer: less than was found only of a file with another name, and of archives. */
  landed({ keepsNames, archives }: ItemsLanding): LongPart {
    if (archives.size === 0 && (keepsNames || this.#described.length === 0)) return this;
    return new LongPart(listJson(this.#described.map(({ item, json, file, times }) => {
      if (file === undefined) return json;
      if (!archives.has(item)) {
        return keepsNames ? json : itemJson(item, [descriptionJson({ ...file, path: "" })], times);
      }
      // Its entries have modes, owners and times of their own.
      const { size, content } = file;
      const archive = descriptionJson({
        path: "",
        type: "file",
        ...size === undefined ? {} : { size },
        ...content === undefined ? {} : { content },
      });
      const kept = this.#keepTimes ? `,"times":"kept"` : "";
      return `{"entries":[${archive}],"extracted":true,"isDirectory":false${kept}}`;
    })));
  }
}

interface DescribedItem {
  readonly item: CopyItem;
  readonly json: string;
  /** Of an item that is no directory: its one entry. */
  readonly file: EntryDescription | undefined;
  readonly times: readonly number[] | undefined;
}

/**
 * Describes all files of a copy by what becomes of them, reading those whose contents nobody knows yet.
 *
 * @throws {LayerwrightError} `CONTEXT_FILE_CHANGED`, `CONTEXT_UNREADABLE`.
 */
export function copyItems(
  items: readonly CopyItem[],
  { op, contents, epochSeconds }: CopyItemsOptions,
): CopyItems {
  using reader = new ContentReader();
  const describe = {
    mode: modeChange(op.mode),
    owner: { uid: 0, gid: 0 },
    reader,
    cache: contents,
  };
  const described = items.map((item): DescribedItem => {
    let file: EntryDescription | undefined;
    const entries = item.entries.map((entry) => {
      const description = describeEntry(entry, describe);
      contents.described(entry, description);
      if (!item.isDirectory) file = description;
      return descriptionJson(description);
    });
    const times = op.keepTimes
      ? item.entries.map(({ mtimeSeconds }) => Math.min(mtimeSeconds, epochSeconds))
      : undefined;
    return { item, json: itemJson(item, entries, times), file, times };
  });
  return new CopyItems(described, op.keepTimes);
}

/** The name of a directory is not in it: its contents land, and a file's is its entry's. */
function itemJson(
  { isDirectory }: CopyItem,
  entries: readonly string[],
  times: readonly number[] | undefined,
): string {
  const kept = times === undefined ? "" : `,"times":${canonicalJson(times)}`;
  return `{"entries":${listJson(entries)},"isDirectory":${isDirectory}${kept}}`;
}

function listJson(values: readonly string[]): string {
  return `[${values.join(",")}]`;
}

/**
 * `canonicalJson` of one description, which need not look for what it knows: copies list a hundred thousand files.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { canonicalJson } from "../graph/canonical_json.ts";
 * import { descriptionJson } from "./copy_items.ts";
 * const description = { path: "a", type: "file", mode: 0o644, uid: 0, gid: 0, size: 0 } as const;
 * assert.equal(descriptionJson(description), canonicalJson(description));
 * ```
 */
export function descriptionJson(description: EntryDescription): string {
  const { path, type, mode, uid, gid, size, content, link, dev, xattrs } = description;
  let text = "";
  if (content !== undefined) text += `"content":"${content}",`;
  if (dev !== undefined) text += `"dev":${canonicalJson(dev)},`;
  if (gid !== undefined) text += `"gid":${gid},`;
  if (link !== undefined) text += `"link":${JSON.stringify(link)},`;
  if (mode !== undefined) text += `"mode":${mode},`;
  text += `"path":${JSON.stringify(path)}`;
  if (size !== undefined) text += `,"size":${size}`;
  text += `,"type":"${type}"`;
  if (uid !== undefined) text += `,"uid":${uid}`;
  if (xattrs !== undefined) text += `,"xattrs":${canonicalJson(xattrs)}`;
  return `{${text}}`;
}
