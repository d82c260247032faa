/**
 * Which cache mounts are one, what is written about them, and where they are.
 *
 * On disk, below `cache-mounts/<variant>/`: one folder for each directory, `<name>.<copy>`, that holds the directory
 * itself under the same name, and `about.json`. The folder belongs to whoever opened the store, so that it can be renamed
 * even if what is inside belongs to users of a user namespace. It was last used at its modification time, and made at
 * that of `about.json`.
 *
 * @module
 */
import { join } from "node:path";
import * as v from "valibot";
import { digestHex, sha256 } from "../oci/digest.ts";

/** What makes a cache one and no other: as in BuildKit its id, how it began, and whom its files may belong to. */
export interface CacheMountScope extends CacheMountAbout {
  /** Who sees the same owners on disk: `root`, `user-1000-range`… See `ExecutorProbe.snapshotVariant`. */
  readonly variant: string;
}

/** The part of a scope that goes with a cache to other machines. */
export interface CacheMountAbout {
  readonly id: string;
  /** Of the directory when it was made. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Names the files that it began with; absent for an empty one. */
  readonly seed?: string;
}

/** The folder of all of them in a store. */
export const CACHE_MOUNTS_FOLDER = "cache-mounts";
/** Beside each directory: {@link aboutText}. */
export const ABOUT_FILE = "about.json";
const id = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_fffe));
const aboutSchema = v.object({
  version: v.literal(1),
  id: v.pipe(v.string(), v.nonEmpty(), v.maxLength(4096)),
  mode: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o7777)),
  uid: id,
  gid: id,
  seed: v.exactOptional(v.pipe(v.string(), v.maxLength(8192))),
});

/** What is written about a cache, on disk and in archives: equal scopes, equal text. */
export function aboutText({ id, mode, uid, gid, seed }: CacheMountAbout): string {
  return `${JSON.stringify({ version: 1, id, mode, uid, gid, seed })}\n`;
}

/** @throws what JSON and valibot throw for anything but what {@link aboutText} makes. */
export function parseAbout(text: string): CacheMountAbout {
  const { version: _, ...about } = v.parse(aboutSchema, JSON.parse(text));
  return about;
}

/** The name of a cache. */
export function cacheMountName(scope: CacheMountScope): string {
  return digestHex(sha256(`${scope.variant}\n${aboutText(scope)}`)).slice(0, 32);
}

/** Where a copy is. Its base name is its own: an executor that runs elsewhere goes by that. */
export function cacheMountDirectory(home: string, scope: CacheMountScope, copy: number): string {
  const name = `${cacheMountName(scope)}.${copy}`;
  return join(home, CACHE_MOUNTS_FOLDER, scope.variant, name, name);
}
