/**
 * Archives in memory, read by both readers.
 *
 * @module
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { indexTar, readTar } from "../../core/layer/tar_reader.ts";
import { END, joined } from "./raw_tar.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

/** A member with its content as Latin-1. */
export interface ReadMember {
  readonly entry: FileEntry;
  readonly rawPath: string;
  readonly text: string;
}

/** A stream whose pieces fit no block. */
export async function* inPieces(bytes: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

/** All members of an archive. */
export async function read(archive: Uint8Array): Promise<ReadMember[]> {
  const members: ReadMember[] = [];
  for await (const { entry, rawPath, body } of readTar(inPieces(archive))) {
    const pieces: Uint8Array[] = [];
    for await (const piece of body()) pieces.push(piece.slice());
    members.push({ entry, rawPath, text: new TextDecoder("latin1").decode(Buffer.concat(pieces)) });
  }
  return members;
}

/** The one member that the parts, and the end blocks, make. */
export async function readOne(...parts: Uint8Array[]): Promise<ReadMember> {
  const [member, ...others] = await read(joined(...parts, END));
  assert.ok(member !== undefined && others.length === 0);
  return member;
}

/** The sync and the streaming reader must refuse alike. */
export async function assertRefused(
  archive: Uint8Array,
  expected: { code: string; message?: RegExp },
): Promise<void> {
  await assert.rejects(read(archive), expected);
  using directory = temporaryDirectory();
  const path = join(directory.path, "layer.tar");
  writeFileSync(path, archive);
  assert.throws(() => indexTar(path), expected);
}
