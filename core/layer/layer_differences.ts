/**
 * What differs between two layers, entry by entry: for layers that should have been the same.
 *
 * @module
 */
import { closeSync, openSync } from "node:fs";
import type { FileEntry } from "./file_entry.ts";
import { readFully } from "./full_io.ts";
import { indexTar } from "./tar_reader.ts";
import { WHITEOUT_PREFIX } from "./whiteout.ts";

/** What of a file differs. */
export type DifferingField =
  /** It is in one of the layers only. */
  | "presence"
  | "type"
  | "mode"
  | "owner"
  | "size"
  | "content"
  | "link target"
  | "device"
  | "xattr"
  | "mtime"
  /** The files are the same, their order is not. */
  | "order";

/** One field of one file, as it is in one layer and in the other. */
export interface LayerDifference {
  /** As in an entry; empty for the layer as a whole. */
  readonly path: string;
  readonly field: DifferingField;
  readonly before: string;
  readonly after: string;
  /** Content: the first byte that differs, from 0. */
  readonly offset?: number;
  /** Content: the bytes around it, on both sides. */
  readonly around?: readonly [before: Uint8Array, after: Uint8Array];
}

/** How much of the content before and behind the first difference is looked at. */
const AROUND_BYTES = 64;
const EXCERPT_BYTES = 24;
const CONTEXT_BYTES = 12;
const PIECE_BYTES = 1 << 20;

/**
 * Compares two layers.
 *
 * @param before path of an uncompressed tar.
 * @param after path of another one.
 * @returns nothing for layers that say the same; else the differences in the order of the entries.
 * @throws {LayerwrightError} as `indexTar` does.
 */
export function layerDifferences(before: string, after: string): LayerDifference[] {
  const [a, b] = [indexTar(before), indexTar(after)];
  const others = new Map(b.map((entry) => [entry.path, entry]));
  const found: LayerDifference[] = [];
  for (const entry of a) {
    const other = others.get(entry.path);
    if (other === undefined) found.push(oneSided(entry, "before"));
    else found.push(...entryDifferences(entry, other));
  }
  const known = new Set(a.map(({ path }) => path));
  for (const entry of b) if (!known.has(entry.path)) found.push(oneSided(entry, "after"));
  if (found.length > 0) return found;
  const moved = a.findIndex(({ path }, index) => path !== b[index]?.path);
  if (moved === -1) return [];
  const [first, second] = [a[moved]?.path ?? "", b[moved]?.path ?? ""];
  return [{
    path: first,
    field: "order",
    before: JSON.stringify(first),
    after: JSON.stringify(second),
  }];
}

function oneSided(entry: FileEntry, side: "before" | "after"): LayerDifference {
  const [there, absent] = [isWhiteout(entry) ? "whiteout" : entry.type, "not there"];
  const [before, after] = side === "before" ? [there, absent] : [absent, there];
  return { path: entry.path, field: "presence", before, after };
}

function isWhiteout({ path }: FileEntry): boolean {
  return path.slice(path.lastIndexOf("/") + 1).startsWith(WHITEOUT_PREFIX);
}

function entryDifferences(a: FileEntry, b: FileEntry): LayerDifference[] {
  const found: LayerDifference[] = [];
  const { path } = a;
  const compare = (field: DifferingField, show: (entry: FileEntry) => string): void => {
    const [before, after] = [show(a), show(b)];
    if (before !== after) found.push({ path, field, before, after });
  };
  compare("type", ({ type }) => type);
  compare("mode", ({ mode }) => mode.toString(8).padStart(4, "0"));
  compare("owner", ({ uid, gid }) => `${uid}:${gid}`);
  compare("size", ({ sizeBytes }) => `${sizeBytes} bytes`);
  if (a.type === "file" && b.type === "file") found.push(...contentDifference(a, b));
  compare("link target", ({ linkTarget = "" }) => JSON.stringify(linkTarget));
  compare("device", ({ devMajor = 0, devMinor = 0 }) => `${devMajor}:${devMinor}`);
  found.push(...xattrDifferences(a, b));
  compare("mtime", ({ mtimeSeconds }) => shownTime(mtimeSeconds));
  return found;
}

function xattrDifferences(a: FileEntry, b: FileEntry): LayerDifference[] {
  const [before, after] = [a.xattrs ?? {}, b.xattrs ?? {}];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => {
    const [x, y] = [before[name], after[name]];
    if (x !== undefined && y !== undefined && Buffer.compare(x, y) === 0) return [];
    const show = (value: Uint8Array | undefined): string =>
      value === undefined
        ? `no ${name}`
        : `${name}=${shownBytes(value.subarray(0, EXCERPT_BYTES))}`;
    return [{ path: a.path, field: "xattr" as const, before: show(x), after: show(y) }];
  });
}

function contentDifference(a: FileEntry, b: FileEntry): LayerDifference[] {
  using before = openContent(a);
  using after = openContent(b);
  const offset = firstDifference(before, after);
  if (offset === undefined) return [];
  const shown = (content: Content): string => {
    const from = Math.max(0, offset - CONTEXT_BYTES);
    return shownBytes(content.read(from, EXCERPT_BYTES));
  };
  const around = (content: Content): Uint8Array => {
    const from = Math.max(0, offset - AROUND_BYTES);
    return content.read(from, 2 * AROUND_BYTES);
  };
  return [{
    path: a.path,
    field: "content",
    before: shown(before),
    after: shown(after),
    offset,
    around: [around(before), around(after)],
  }];
}

interface Content extends Disposable {
  readonly sizeBytes: number;
  read(offset: number, length: number): Uint8Array;
}

/** @returns undefined when both are the same. */
function firstDifference(a: Content, b: Content): number | undefined {
  const shorter = Math.min(a.sizeBytes, b.sizeBytes);
  for (let offset = 0; offset < shorter; offset += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, shorter - offset);
    const [x, y] = [a.read(offset, length), b.read(offset, length)];
    if (Buffer.compare(x, y) === 0) continue;
    const index = x.findIndex((byte, at) => byte !== y[at]);
    return offset + (index === -1 ? Math.min(x.length, y.length) : index);
  }
  return a.sizeBytes === b.sizeBytes ? undefined : shorter;
}

function openContent({ content, sizeBytes }: FileEntry): Content {
  if (content?.kind !== "slice") {
    return { sizeBytes: 0, read: () => new Uint8Array(0), [Symbol.dispose]: () => {} };
  }
  const fd = openSync(content.path, "r");
  return {
    sizeBytes,
    read(offset, length): Uint8Array {
      const target = new Uint8Array(Math.max(0, Math.min(length, sizeBytes - offset)));
      return target.subarray(0, readFully(fd, target, content.offset + offset));
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/** As text where it is one, in hexadecimal else. */
function shownBytes(bytes: Uint8Array): string {
  const isText = bytes.every((byte) =>
    (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x09
  );
  if (isText) return JSON.stringify(Buffer.from(bytes).toString("latin1"));
  return `0x${Buffer.from(bytes).toString("hex")}`;
}

function shownTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? `${seconds} s` : time.toISOString().replace(".000Z", "Z");
}
