/**
 * What cache mounts there are, and how much room they take.
 *
 * @module
 */
import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemErrorCode } from "../errors.ts";
import {
  ABOUT_FILE,
  CACHE_MOUNTS_FOLDER as FOLDER,
  cacheMountName,
  type CacheMountScope,
  parseAbout,
} from "./cache_mount_scope.ts";
import type { Store } from "./store.ts";

/** A cache and all its copies. */
export interface CacheMountInfo extends CacheMountScope {
  /** 32 hex digits: tells caches of one id apart. */
  readonly name: string;
  /** Directories: more than one where steps used it privately at the same time. */
  readonly copies: number;
  /** Milliseconds since the epoch. */
  readonly createdMs: number;
  readonly usedMs: number;
  /** Bytes of all files that can be seen from outside a user namespace. */
  readonly sizeBytes: number;
  /** False where some cannot. */
  readonly isWholeSize: boolean;
}

/** All caches, by id. */
export function listCacheMounts({ home }: Pick<Store, "home">): CacheMountInfo[] {
  const found = new Map<string, CacheMountInfo>();
  for (const variant of namesIn(join(home, FOLDER))) {
    for (const folder of namesIn(join(home, FOLDER, variant))) {
      const copy = copyInfo(join(home, FOLDER, variant, folder), variant, folder);
      if (copy === undefined) continue;
      const known = found.get(`${variant}/${copy.name}`);
      found.set(
        `${variant}/${copy.name}`,
        known === undefined ? copy : {
          ...copy,
          copies: known.copies + 1,
          createdMs: Math.min(known.createdMs, copy.createdMs),
          usedMs: Math.max(known.usedMs, copy.usedMs),
          sizeBytes: known.sizeBytes + copy.sizeBytes,
          isWholeSize: known.isWholeSize && copy.isWholeSize,
        },
      );
    }
  }
  const order = ({ id, variant, name }: CacheMountInfo): string => `${id}\n${variant}\n${name}`;
  return [...found.values()].sort((a, b) => order(a) < order(b) ? -1 : 1);
}

function copyInfo(path: string, variant: string, folder: string): CacheMountInfo | undefined {
  const aboutPath = join(path, ABOUT_FILE);
  try {
    const about = parseAbout(readFileSync(aboutPath, "utf8"));
    const { sizeBytes, isWhole } = sizeOf(join(path, folder));
    return {
      ...about,
      variant,
      name: folder.slice(0, folder.lastIndexOf(".")),
      copies: 1,
      createdMs: Math.round(statSync(aboutPath).mtimeMs),
      usedMs: Math.round(statSync(path).mtimeMs),
      sizeBytes,
      isWholeSize: isWhole,
    };
  } catch {
    // Removed meanwhile, or none of ours.
    return undefined;
  }
}

/** The copies of a cache that are there. */
export function copiesOf({ home }: Pick<Store, "home">, scope: CacheMountScope): number[] {
  const prefix = `${cacheMountName(scope)}.`;
  return namesIn(join(home, FOLDER, scope.variant)).filter((name) => name.startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

/** What a step left unreadable to others is left out. */
function sizeOf(path: string): { readonly sizeBytes: number; readonly isWhole: boolean } {
  const seen = new Set<string>();
  let sizeBytes = 0;
  let isWhole = true;
  const walk = (directory: string): void => {
    let names: string[];
    try {
      names = readdirSync(directory);
    } catch {
      isWhole = false;
      return;
    }
    for (const name of names) {
      const file = join(directory, name);
      // A build may be at work in it.
      const stats = lstatSync(file, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (stats.isDirectory()) walk(file);
      else if (stats.nlink === 1 || !seen.has(`${stats.dev}:${stats.ino}`)) {
        seen.add(`${stats.dev}:${stats.ino}`);
        sizeBytes += stats.size;
      }
    }
  };
  walk(path);
  return { sizeBytes, isWhole };
}
