/**
 * A folder of output: filled out of sight, then put in place.
 *
 * @module
 */
import { lstatSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { LayerwrightError } from "../errors.ts";
import { temporaryBeside } from "./atomic_file.ts";

/**
 * Fills a temporary folder and moves it to `dest`. A folder that does not exist appears at once. One that does
 * keeps its other files: what is in it of the same name is replaced, each file by one rename, and nothing at all
 * is moved when a file stands where a folder must go or the other way round.
 *
 * Links below `dest` are never followed: a link is a file that stands in the way of a folder.
 *
 * @param fill Puts the output into the folder given.
 * @param lastName A file directly in the folder that is moved after all others: the one readers start from.
 * @returns Folders that existed before, relative to `dest`; `""` is `dest` itself.
 * @throws {LayerwrightError} `EXPORT_FAILED` listing what stands in the way; the errors of `node:fs` and of `fill`.
 */
export function fillDirectory(
  dest: string,
  fill: (directory: string) => void,
  lastName?: string,
): ReadonlySet<string> {
  mkdirSync(dirname(dest), { recursive: true });
  const exists = lstatSync(dest, { throwIfNoEntry: false }) !== undefined;
  // Inside an existing folder: beside it may be another file system, or not ours to write to.
  const target = exists ? realpathSync(dest) : dest;
  const temporary = temporaryBeside(exists ? join(target, "output") : target);
  mkdirSync(temporary);
  try {
    fill(temporary);
    if (!exists) {
      renameSync(temporary, target);
      return new Set();
    }
    const kept = new Set<string>();
    const moves = planMoves(temporary, target, kept, dest);
    for (const path of moves.toSorted((a, b) => Number(a === lastName) - Number(b === lastName))) {
      renameSync(join(temporary, path), join(target, path));
    }
    return kept;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The topmost paths that can each be put in place by one rename. */
function planMoves(from: string, to: string, kept: Set<string>, dest: string): string[] {
  const moves: string[] = [];
  const conflicts: string[] = [];
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    kept.add(folder);
    for (const name of readdirSync(join(from, folder)).sort()) {
      const path = join(folder, name);
      const there = lstatSync(join(to, path), { throwIfNoEntry: false });
      const isDirectory = lstatSync(join(from, path)).isDirectory();
      if (there === undefined || (!isDirectory && !there.isDirectory())) moves.push(path);
      else if (isDirectory && there.isDirectory()) folders.push(path);
      else conflicts.push(`"${path}" is ${isDirectory ? "not a folder" : "a folder"} there`);
    }
  }
  if (conflicts.length > 0) {
    throw new LayerwrightError(
      "EXPORT_FAILED",
      `Cannot export to ${JSON.stringify(dest)}: what is there is in the way`,
      { details: conflicts.slice(0, 20), hint: "remove it, or choose another folder" },
    );
  }
  return moves;
}
