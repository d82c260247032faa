/**
 * `layerwright cache`: the directories that cache mounts left in the store.
 *
 * @module
 */
import type { Command } from "commander";
import { resolve } from "node:path";
import { LayerwrightError } from "../../../core/errors.ts";
import type { CacheMountInfo, PackedCacheMount } from "../../../core/mod.ts";
import type { CliCommand, CliContext } from "../command.ts";
import { textTable } from "../text_table.ts";

/** The verb `cache`, a group of verbs. */
export const cacheCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    const group = program.command("cache").description("list, remove, export, import cache mounts");
    group.command("ls").alias("list")
      .description("list cache mounts")
      .option("--json", "print it as JSON")
      .action((flags: { readonly json?: true }) => list(flags.json === true, context));
    group.command("rm").argument("[id...]", "ids, or names where several have an id")
      .description("remove cache mounts")
      .option("--all", "all of them")
      .action((ids: readonly string[], flags: { readonly all?: true }) =>
        remove(ids, flags.all === true, context)
      );
    group.command("export").argument("<id>", "an id, or a name where several have it")
      .argument("<file>", "the tar to write")
      .description("write a cache mount to a file; print its digest")
      .action((id: string, file: string) => exportTo(id, file, context));
    group.command("import")
      .argument("[id]", "the id it gets (default: the one it had)")
      .argument("[file]", "what export wrote")
      .description("read a cache mount from a file, in the place of the one of that id")
      .option("--digest <digest>", "refuse any other file")
      .action((first: string | undefined, second: string | undefined, flags: ImportFlags) =>
        importFrom(first, second, flags, context)
      );
  },
};

interface ImportFlags {
  readonly digest?: string;
}

async function list(isJson: boolean, { engine, io }: CliContext): Promise<void> {
  const caches = await (await engine.cacheMounts()).list();
  if (isJson) return io.stdout.write(`${JSON.stringify({ caches })}\n`);
  const rows = caches.map((cache) => [
    cache.id,
    cache.name.slice(0, 12),
    `${cache.isWholeSize ? "" : "≥ "}${shownBytes(cache.sizeBytes)}`,
    String(cache.copies),
    shownTime(cache.createdMs),
    shownTime(cache.usedMs),
    cache.variant,
  ]);
  const heading = ["ID", "NAME", "SIZE", "COPIES", "CREATED", "LAST USED", "OWNED AS"];
  io.stdout.write(textTable([heading, ...rows]));
}

async function remove(
  ids: readonly string[],
  all: boolean,
  { engine, io }: CliContext,
): Promise<void> {
  if (all === ids.length > 0) {
    throw new LayerwrightError(
      "OPTION_INVALID",
      `Cannot remove cache mounts: ${all ? "both --all and ids are given" : "none is named"}`,
      { hint: "name some, or give --all" },
    );
  }
  const removed = await (await engine.cacheMounts()).remove(all ? "all" : ids);
  for (const { id } of removed) io.stdout.write(`${id}\n`);
  const bytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  io.stderr.write(`removed ${count(removed)}, ${shownBytes(bytes)}\n`);
}

async function exportTo(id: string, file: string, { engine, io }: CliContext): Promise<void> {
  const packed = await (await engine.cacheMounts()).export(id, resolve(io.workingDirectory, file));
  tell("exported", packed, io);
}

async function importFrom(
  first: string | undefined,
  second: string | undefined,
  { digest }: ImportFlags,
  { engine, io }: CliContext,
): Promise<void> {
  const [id, file] = second === undefined ? [undefined, first] : [first, second];
  if (file === undefined) {
    throw new LayerwrightError("OPTION_INVALID", "Cannot import a cache mount: no file is named", {
      hint: "write layerwright cache import [ID] FILE",
    });
  }
  const packed = await (await engine.cacheMounts()).import(resolve(io.workingDirectory, file), {
    ...id === undefined ? {} : { id },
    ...digest === undefined ? {} : { digest },
  });
  tell("imported", packed, io);
}

/** The digest alone is the result; the rest is for people. */
function tell(
  verb: string,
  { id, digest, sizeBytes, notes }: PackedCacheMount,
  io: CliContext["io"],
): void {
  for (const note of notes) io.stderr.write(`${note}\n`);
  io.stdout.write(`${digest}\n`);
  io.stderr.write(`${verb} ${JSON.stringify(id)}, ${shownBytes(sizeBytes)}\n`);
}

function count({ length }: readonly CacheMountInfo[]): string {
  return length === 1 ? "1 cache mount" : `${length} cache mounts`;
}

function shownTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function shownBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}
