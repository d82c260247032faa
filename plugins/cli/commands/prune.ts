/**
 * `layerwright prune`: frees disk space.
 *
 * @module
 */
import type { Command } from "commander";
import { LayerwrightError, type PruneOptions, type PruneResult } from "../../../core/mod.ts";
import type { CliCommand, CliContext, CliIo } from "../command.ts";
import { collect } from "../key_value_options.ts";
import { parseDuration, parseSize, shownSize } from "../quantities.ts";
import { textTable } from "../text_table.ts";

interface PruneFlags {
  readonly all?: true;
  readonly everything?: true;
  readonly filter?: readonly string[];
  readonly keepStorage?: string;
  readonly maxUsedSpace?: string;
  readonly dryRun?: true;
  readonly force?: true;
}

/** The verb `prune`. */
export const pruneCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    program.command("prune").description("free disk space: what no image and no cached step needs")
      .option("-a, --all", "free what is cached, too; tagged images stay")
      .option("--filter <filter>", "only what was not used for so long: until=24h", collect)
      .option("--max-used-space <size>", "free what is cached until it has no more than this")
      .option("--keep-storage <size>", "the same as --max-used-space")
      .option("--everything", "remove the store with all images, caches and build records")
      .option("--dry-run", "say of each blob why it stays or goes, and change nothing")
      .option("-f, --force", "do not ask; needed where standard input is no terminal")
      .action((flags: PruneFlags) => prune(flags, context));
  },
};

async function prune(flags: PruneFlags, context: CliContext): Promise<void> {
  const options = readOptions(flags, Date.now());
  if (flags.everything === true) return await removeStore(flags, context);
  const { engine, io } = context;
  if (flags.dryRun === true) {
    const planned = await engine.prune({ ...options, dryRun: true });
    return io.stdout.write(dryRunText(planned));
  }
  await confirm(
    flags.all === true
      ? "This frees all that no tag and no running build needs, with what is cached."
      : "This frees all that no tag, no running build and no cached step needs.",
    flags,
    io,
  );
  const result = await engine.prune(options);
  io.stdout.write(`${summary(result, "Freed")}\n`);
  complain(result.leftovers, context);
}

async function removeStore(flags: PruneFlags, context: CliContext): Promise<void> {
  const { engine, io } = context;
  const { store: { home } } = await engine.probe("");
  if (flags.dryRun === true) return io.stdout.write(`${home} would go, with all that is in it\n`);
  await confirm(`This removes ${home} with all images, caches and build records.`, flags, io);
  const { remaining } = await engine.removeStore();
  if (remaining.length === 0) return io.stdout.write(`Removed ${home}\n`);
  io.stdout.write(`Removed the store in ${home}\n`);
  complain(remaining.map((name) => `${home}/${name}`), context);
}

function readOptions(flags: PruneFlags, nowMs: number): PruneOptions {
  const { all, everything, keepStorage, maxUsedSpace } = flags;
  const filters = flags.filter ?? [];
  const sizes = [["--max-used-space", maxUsedSpace], ["--keep-storage", keepStorage]] as const;
  const maxUsedBytes = sizes.flatMap(([option, text]) =>
    text === undefined ? [] : [parseSize(option, text)]
  );
  const unusedForMs = filters.map((filter) => parseFilter(filter, nowMs));
  if (everything === true && (all === true || maxUsedBytes.length > 0 || filters.length > 0)) {
    throw new LayerwrightError(
      "OPTION_INVALID",
      "Cannot use --everything with options that keep something",
      { hint: "use it alone, or leave it out" },
    );
  }
  return {
    ...all === undefined ? {} : { all },
    ...maxUsedBytes.length === 0 ? {} : { maxUsedBytes: Math.min(...maxUsedBytes) },
    ...unusedForMs.length === 0 ? {} : { unusedForMs: Math.max(...unusedForMs) },
  };
}

/** `until=24h`, `until=2026-01-31T12:00:00Z`, or seconds since the epoch: as docker has it. */
function parseFilter(filter: string, nowMs: number): number {
  const [, text] = /^until=(.*)$/s.exec(filter) ?? [];
  if (text === undefined) {
    throw new LayerwrightError(
      "OPTION_INVALID",
      `Cannot use --filter ${JSON.stringify(filter)}: there is no such filter`,
      { hint: "write --filter until=24h" },
    );
  }
  const seconds = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : NaN;
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : seconds;
  if (Number.isNaN(date)) return parseDuration("--filter until", text);
  return Math.max(0, nowMs - date);
}

function dryRunText(result: PruneResult): string {
  const rows = (
    state: string,
    { freed, trees }: {
      readonly freed: PruneResult["freed"];
      readonly trees: PruneResult["freedTrees"];
    },
  ): string[][] => [
    ...freed.map(({ digest, size, why }) => [state, "blob", digest, shownSize(size), why]),
    ...trees.map(({ chainId, sizeBytes, why }) => [
      ...[state, "tree", chainId, shownSize(sizeBytes), why],
    ]),
  ];
  const table = [
    ["", "KIND", "DIGEST", "SIZE", "WHY"],
    ...rows("free", { freed: result.freed, trees: result.freedTrees }),
    ...rows("keep", { freed: result.kept, trees: result.keptTrees }),
  ];
  return `${table.length > 1 ? textTable(table) : ""}${summary(result, "Would free")}\n`;
}

function summary(result: PruneResult, verb: string): string {
  const { freed, freedRecords, freedTrees, freedBytes } = result;
  const count = (number: number, one: string): string =>
    `${number} ${one}${number === 1 ? "" : "s"}`;
  return `${verb} ${shownSize(freedBytes)}: ${count(freed.length, "blob")}, ` +
    `${count(freedTrees.length, "tree")}, ${count(freedRecords, "cached result")}`;
}

/** Nothing goes without a yes, here or on the command line: a script that forgot one may have meant a dry run. */
async function confirm(what: string, { force }: PruneFlags, io: CliIo): Promise<void> {
  if (force === true) return;
  if (io.stdin === undefined || io.stdinIsTty?.() !== true) {
    throw new LayerwrightError(
      "OPTION_INVALID",
      "Cannot prune: nobody can be asked, since standard input is no terminal",
      { details: [what], hint: "add --force, or look first with --dry-run" },
    );
  }
  io.stderr.write(`${what}\nGo on? [y/N] `);
  let answer = "";
  for await (const bytes of io.stdin.read(io.interrupt)) {
    answer += new TextDecoder().decode(bytes);
    if (answer.includes("\n")) break;
  }
  if (/^\s*y(es)?\s*$/i.test(answer)) return;
  throw new LayerwrightError("BUILD_CANCELLED", "Cannot free disk space: the answer was no");
}

function complain(leftovers: readonly string[], { io, setExitCode }: CliContext): void {
  if (leftovers.length === 0) return;
  io.stderr.write(`still there, since this user may not remove them: ${leftovers.join(", ")}\n`);
  setExitCode(1);
}
