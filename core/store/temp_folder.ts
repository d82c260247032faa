/**
 * The folder inside the store where files and trees are made before they get their name.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { removeTree } from "../layer/remove_tree.ts";
import { isProcessGone, processToken } from "./process_token.ts";
import { guarded } from "./store_error.ts";

/** Names inside `tmp/` that tell whose they are, so that what a killed process left can be removed. */
export class TempFolder {
  readonly directory: string;

  constructor(home: string) {
    this.directory = join(home, "tmp");
  }

  /** A path that nothing is at, on the file system of the store. The caller makes a file or a folder there. */
  newPath(): string {
    return join(this.directory, `${processToken()}_${randomBytes(6).toString("hex")}`);
  }

  /** A new empty folder. */
  newDirectory(): string {
    const path = this.newPath();
    guarded("make a temporary folder", path, () => mkdirSync(path));
    return path;
  }

  /** Entries whose process is gone. */
  abandoned(): string[] {
    return readdirSync(this.directory).filter(isProcessGone).map((name) =>
      join(this.directory, name)
    );
  }

  /**
   * Removes what killed processes left.
   *
   * @returns Paths that could not be removed: trees with files of users that only a user namespace has.
   */
  removeAbandoned(): string[] {
    return this.abandoned().filter((path) => !isTreeRemoved(path));
  }
}

/** Removes a tree, folders that are closed to their owner too. False where that needs a user namespace. */
export function isTreeRemoved(path: string): boolean {
  try {
    removeTree(path);
    return true;
  } catch {
    // An overlay's work folder, and what a step closed, is shut to its owner too.
    try {
      openFolders(path);
      removeTree(path);
      return true;
    } catch {
      return false;
    }
  }
}

function openFolders(path: string): void {
  chmodSync(path, 0o700);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) openFolders(join(path, entry.name));
  }
}
