/**
 * What the tools are given: trees and files that are the same on every machine.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freshFolder, roomBytes, type Scratch } from "./scratch.ts";

const PACKAGE_FILES = ["package.json", "package-lock.json", ".npmrc"];

/** How many files a tree has and how large they are together. */
export interface TreeSize {
  readonly files: number;
  readonly bytes: number;
}

/**
 * The node_modules tree of `FOLDER/package-lock.json`, installed once for each lock into the user's cache folder.
 *
 * @returns the folder that holds `node_modules`.
 */
export function installPackages(of: "w1" | "tar_writers", say: (line: string) => void): string {
  const source = fileURLToPath(new URL(`./${of}`, import.meta.url));
  const lock = readFileSync(join(source, "package-lock.json"));
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "layerwright-bench");
  const name = `${of}-${createHash("sha256").update(lock).digest("hex").slice(0, 16)}`;
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  say(`installing the packages of ${of} into ${folder}, once`);
  const partial = freshFolder(`${folder}.partial`);
  for (const file of PACKAGE_FILES) copyFileSync(join(source, file), join(partial, file));
  const { status } = spawnSync("npm", ["ci"], { cwd: partial, stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new Error(`Cannot install the packages of ${of}: npm ci failed`);
  }
  renameSync(partial, folder);
  return folder;
}

/** Copies packages, in the order of their names, until there are this many files. Links and times stay as they are. */
export function copyPackages(from: string, to: string, fileLimit: number): TreeSize {
  mkdirSync(join(to, "node_modules"), { recursive: true });
  let copied: TreeSize = { files: 0, bytes: 0 };
  const packages = join(from, "node_modules");
  for (const name of readdirSync(packages).sort()) {
    if (copied.files >= fileLimit) break;
    const source = join(packages, name);
    const size = treeSize(source);
    spawnSync("cp", ["-a", source, join(to, "node_modules")], { stdio: "inherit" });
    copied = { files: copied.files + size.files, bytes: copied.bytes + size.bytes };
  }
  return copied;
}

function treeSize(path: string): TreeSize {
  const stats = lstatSync(path);
  if (stats.isFile()) return { files: 1, bytes: stats.size };
  let [files, bytes] = [0, 0];
  if (!stats.isDirectory()) return { files, bytes };
  for (const name of readdirSync(path)) {
    const size = treeSize(join(path, name));
    [files, bytes] = [files + size.files, bytes + size.bytes];
  }
  return { files, bytes };
}

/** The first file by name of this ending and at most this size: the one that W5 changes. */
export function pickFile(folder: string, ending: string, limitBytes: number): string {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name)).sort();
  // From the middle: a tool that reads in order must not be lucky.
  const rest = entries.slice(Math.floor(entries.length / 2));
  const file = rest.find((path) => statSync(path).size <= limitBytes);
  if (file === undefined) throw new Error(`Cannot find a file to change in "${folder}"`);
  return file;
}

const BLOCK_BYTES = 65_536;

/**
 * Blocks of 64 KiB, random and word-like in turn: half compresses well, half not at all.
 *
 * @param seed Files of different seeds share no block.
 */
export function* mixedBlocks(sizeBytes: number, seed: number): Generator<Uint8Array> {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  const next = (): number => {
    // xorshift32: the same on every runtime, and quick enough not to be the benchmark.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const words = Array.from({ length: 512 }, () => next().toString(36).slice(0, 2 + next() % 6));
  const block = new Uint8Array(BLOCK_BYTES);
  const numbers = new Uint32Array(block.buffer);
  for (let at = 0, random = true; at < sizeBytes; at += BLOCK_BYTES, random = !random) {
    if (random) { for (let index = 0; index < numbers.length; index += 1) numbers[index] = next(); }
    else {
      let text = "";
      while (text.length < BLOCK_BYTES) text += `${words[next() % words.length]} `;
      block.set(Buffer.from(text.slice(0, BLOCK_BYTES), "latin1"));
    }
    yield block.subarray(0, Math.min(BLOCK_BYTES, sizeBytes - at));
  }
}

/** Writes files of {@link mixedBlocks}. */
export function writeMixedFiles(folder: string, count: number, fileBytes: number): void {
  mkdirSync(folder, { recursive: true });
  for (let file = 1; file <= count; file += 1) {
    const fd = openSync(join(folder, `${file}.bin`), "w");
    try {
      for (const block of mixedBlocks(fileBytes, file)) writeSync(fd, block);
    } finally {
      closeSync(fd);
    }
  }
}

/** Writes many small files, 100 to a folder, 50 folders to a folder. */
export function writeSmallFiles(folder: string, count: number): void {
  for (let file = 0; file < count; file += 1) {
    const place = join(folder, `${Math.floor(file / 5000)}`, `${Math.floor(file / 100) % 50}`);
    if (file % 100 === 0) mkdirSync(place, { recursive: true });
    writeFileSync(join(place, `${file}.txt`), `file ${file}\n`.repeat(1 + file % 120));
  }
}

/** Writes files of one size, 100 to a folder, of {@link mixedBlocks}. */
export function writeSizedFiles(folder: string, count: number, fileBytes: number): void {
  for (let file = 0; file < count; file += 1) {
    const place = join(folder, `${Math.floor(file / 100)}`);
    if (file % 100 === 0) mkdirSync(place, { recursive: true });
    writeFileSync(join(place, `${file}.bin`), Buffer.concat([...mixedBlocks(fileBytes, file)]));
  }
}

/** A root in which shell steps run: busybox under its own name and as `/bin/sh`. */
export function writeBusyboxRoot(folder: string, busybox: string): void {
  mkdirSync(join(folder, "bin"), { recursive: true });
  copyFileSync(busybox, join(folder, "bin/busybox"));
  symlinkSync("busybox", join(folder, "bin/sh"));
}

/** Throws unless the folder has room. */
export function needRoom(scratch: Scratch, bytes: number): void {
  const room = roomBytes(scratch);
  if (room >= bytes) return;
  const shown = (value: number): string => `${(value / 2 ** 30).toFixed(1)} GiB`;
  throw new Error(`needs ${shown(bytes)} in "${scratch.path}", has ${shown(room)}`);
}
