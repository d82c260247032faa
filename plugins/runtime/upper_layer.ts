/**
 * What a step left in the upper directory of its overlay: first as entries of a layer, then as a directory that the
 * next step can have beneath.
 *
 * A layer is the smallest one that turns the tree below into the step's, times clamped. It depends on what the step
 * did, not on how overlayfs wrote it down: opaque directories become whiteouts of the names that are gone, files
 * copied up and not changed are left out. So every executor gives the same bytes.
 *
 * @see Linux, Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"
 * @module
 */
import { type BigIntStats, readdirSync, rmSync, unlinkSync } from "node:fs";
import {
  type FileEntry,
  parentPath,
  refuseReservedName,
  whiteoutEntry,
} from "../../core/layer/mod.ts";
import { type DiskEntry, isWhiteoutDevice, readDiskEntry, statIfThere } from "./disk_entry.ts";
import { sameContent } from "./same_content.ts";
import type { Stubs } from "./stub_layer.ts";
import { systemCalls } from "./system_calls.ts";

/** Where a step's changes are. */
export interface UpperScan {
  /** The upper directory, no longer mounted. */
  readonly upper: string;
  /** The merged view of everything below it. */
  readonly below: string;
  readonly stubs: Stubs;
  readonly epochSeconds: number;
}

/** The changes of a step. */
export interface UpperChanges {
  /** For `writeLayer`; parents of every change included. */
  readonly entries: readonly FileEntry[];
  /** What was left out, for people. */
  readonly notes: readonly string[];
  /**
   * Makes the upper directory equal to what unpacking the layer would give: stubs and sockets removed, whole seconds,
   * clamped. After `writeLayer`, which reads files from there.
   */
  settle(): void;
}

/** A file of the upper directory that is no whiteout. */
interface Found extends DiskEntry {
  readonly verdict: Verdict;
}

/** How a file compares with what is below: not at all, but for a time that will be clamped to the same, in full. */
type Verdict = "changed" | "same-when-settled" | "same" | "untouched-stub";

/**
 * Reads the upper directory.
 *
 * @throws {LayerwrightError} `LAYER_NAME_RESERVED` for a name that starts with `.wh.`; `LAYER_INVALID` for one that is
 * not UTF-8.
 */
export function scanUpper(scan: UpperScan): UpperChanges {
  const found = new Map<string, Found>();
  const whiteouts: FileEntry[] = [];
  const sockets: string[] = [];

  /** @param hidden: nothing of the tree below shows through this directory. */
  function walk(directory: string, below: boolean, hidden: boolean): void {
    const names = readdirSync(`${scan.upper}/${directory}`);
    for (const name of names) {
      const path = directory === "" ? name : `${directory}/${name}`;
      refuseReservedName(path);
      const stats = statIfThere(`${scan.upper}/${path}`);
      if (stats !== undefined && isWhiteoutDevice(stats)) {
        // A file made and removed again leaves a whiteout of nothing.
        if (below && statIfThere(`${scan.below}/${path}`) !== undefined) {
          whiteouts.push(whiteoutEntry(path));
        }
        continue;
      }
      const disk = readDiskEntry(scan.upper, path);
      if (disk === undefined) {
        sockets.push(path);
        continue;
      }
      const lower = below ? readDiskEntry(scan.below, path) : undefined;
      found.set(path, { ...disk, verdict: compare(disk, lower, scan) });
      if (disk.entry.type === "directory") {
        const belowIsDirectory = lower?.entry.type === "directory";
        walk(path, belowIsDirectory, hidden || isOpaque(`${scan.upper}/${path}`));
      }
    }
    if (!hidden || !below) return;
    const kept = new Set(names);
    for (const name of readdirSync(`${scan.below}/${directory}`)) {
      if (!kept.has(name)) whiteouts.push(whiteoutEntry(`${directory}/${name}`));
    }
  }

  walk("", true, false);
  const emitted = chooseEmitted(found, whiteouts);
  const entries = [...linkGroups(found, emitted), ...whiteouts];
  return {
    entries,
    notes: sockets.map((path) => `left the socket "/${path}" out of the layer`),
    settle: () => settle(scan, found, emitted, sockets),
  };
}

function compare(disk: DiskEntry, lower: DiskEntry | undefined, scan: UpperScan): Verdict {
  const { entry, stats } = disk;
  if (lower === undefined) return scan.stubs.isUntouched(entry) ? "untouched-stub" : "changed";
  const sameTime = stats.mtimeNs === lower.stats.mtimeNs;
  // A time that becomes the old one when it is clamped cannot be seen in the image.
  const settlesToSame = clamp(entry, scan) === lower.entry.mtimeSeconds;
  const same = (sameTime || settlesToSame) && sameMetadata(entry, lower.entry) &&
    !mayRegroup(disk, lower) &&
    (entry.type !== "file" ||
      sameContent(`${scan.upper}/${entry.path}`, `${scan.below}/${entry.path}`));
  if (!same) return "changed";
  return sameTime ? "same" : "same-when-settled";
}

/**
 * Whether leaving a file out could show other hard links than the step saw: overlayfs parts the names of a file when it
 * copies one up, and a step can make one file of two that are alike.
 */
function mayRegroup(disk: DiskEntry, lower: DiskEntry): boolean {
  return disk.entry.type !== "directory" && (disk.stats.nlink > 1n || lower.stats.nlink > 1n);
}

function clamp({ mtimeSeconds }: FileEntry, { epochSeconds }: UpperScan): number {
  return Math.min(mtimeSeconds, epochSeconds);
}

function sameMetadata(a: FileEntry, b: FileEntry): boolean {
  return a.type === b.type && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid &&
    a.sizeBytes === b.sizeBytes && a.linkTarget === b.linkTarget && a.devMajor === b.devMajor &&
    a.devMinor === b.devMinor && sameXattrs(a.xattrs ?? {}, b.xattrs ?? {});
}

type Xattrs = NonNullable<FileEntry["xattrs"]>;

function sameXattrs(a: Xattrs, b: Xattrs): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => {
    const [x, y] = [a[name], b[name]];
    return x !== undefined && y !== undefined && Buffer.compare(x, y) === 0;
  });
}

function isOpaque(path: string): boolean {
  const xattrs = systemCalls().listXattrs(path);
  const value = xattrs["trusted.overlay.opaque"] ?? xattrs["user.overlay.opaque"];
  return value !== undefined && value.length === 1 && value[0] === "y".charCodeAt(0);
}

/** The paths that go into the layer: what changed, its other names, and all directories above. */
function chooseEmitted(
  found: ReadonlyMap<string, Found>,
  whiteouts: readonly FileEntry[],
): Set<string> {
  // A new name of an unchanged file: without that file in the layer it could not be a hard link to it.
  const changedInodes = new Set<string>();
  for (const { verdict, stats } of found.values()) {
    if (verdict === "changed" && stats.nlink > 1n) changedInodes.add(inodeKey(stats));
  }
  const emitted = new Set<string>();
  const addParents = (path: string): void => {
    for (
      let parent = parentPath(path);
      parent !== "" && !emitted.has(parent);
      parent = parentPath(parent)
    ) {
      emitted.add(parent);
    }
  };
  for (const [path, { verdict, stats, entry }] of found) {
    const linked = entry.type !== "directory" && changedInodes.has(inodeKey(stats));
    if (verdict !== "changed" && !linked) continue;
    emitted.add(path);
    addParents(path);
  }
  for (const { path } of whiteouts) addParents(path);
  return emitted;
}

/** The emitted entries; of each group of hard links one is the file and the others link to it. */
function linkGroups(found: ReadonlyMap<string, Found>, emitted: ReadonlySet<string>): FileEntry[] {
  const first = new Map<string, string>();
  const entries: FileEntry[] = [];
  for (const path of emitted) {
    const file = found.get(path);
    if (file === undefined) continue;
    const { entry, stats } = file;
    const key = inodeKey(stats);
    const target = first.get(key);
    if (target !== undefined) {
      const { mode, uid, gid, mtimeSeconds } = entry;
      entries.push({
        path,
        type: "hardlink",
        mode,
        uid,
        gid,
        sizeBytes: 0,
        mtimeSeconds,
        linkTarget: target,
      });
      continue;
    }
    if (entry.type !== "directory" && stats.nlink > 1n) first.set(key, path);
    entries.push(entry);
  }
  return entries;
}

function inodeKey(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}

function settle(
  scan: UpperScan,
  found: ReadonlyMap<string, Found>,
  emitted: ReadonlySet<string>,
  sockets: readonly string[],
): void {
  for (const path of sockets) unlinkSync(`${scan.upper}/${path}`);
  // A directory was found before what it holds: backwards, removals and times come from the leaves up.
  for (const [path, { entry, verdict }] of [...found].reverse()) {
    const full = `${scan.upper}/${path}`;
    if (emitted.has(path) || verdict === "same-when-settled") setTime(full, clamp(entry, scan));
    else if (verdict === "untouched-stub") rmSync(full, { recursive: true });
  }
  setTime(scan.upper, 0);
}

function setTime(path: string, seconds: number): void {
  systemCalls().setTimes(path, BigInt(seconds) * 1_000_000_000n);
}
