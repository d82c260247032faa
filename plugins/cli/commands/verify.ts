/**
 * `layerwright verify`: runs RUN steps again and says which files come out otherwise.
 *
 * @module
 */
import type { Command } from "commander";
import { relative, resolve } from "node:path";
import type {
  DifferenceCause,
  FileDifference,
  VerifiedStep,
  VerifyResult,
} from "../../../core/mod.ts";
import type { CliCommand, CliContext } from "../command.ts";
import {
  addDefinitionOptions,
  type DefinitionFlags,
  readDefinition,
} from "../definition_options.ts";
import { readSourceFile } from "../process_streams.ts";
import { displayText } from "../reporters/display_text.ts";
import { parseProgressMode, progressModes, selectReporter } from "../reporters/select_reporter.ts";

interface VerifyFlags extends DefinitionFlags {
  readonly json?: true;
  readonly step?: string;
  readonly progress?: string;
}

/** How many files of a step are listed for people. */
const MOST_FILES = 50;

/** The exit code when something differs. */
const DIFFERS = 1;

const CAUSES: Readonly<Record<DifferenceCause, string>> = {
  "time": "it holds the time of the run",
  "every-run": "it differs with every run: random numbers, process ids, an order that nobody keeps",
  "since-then": "two runs now agree, the stored one was another: the network, a cache, the date",
  "hostname": "it depends on the host name",
  "cpus": "it depends on the number of processors",
  "directory-order": "it depends on the order in which directories list their files",
  "umask": "it depends on the umask of whoever starts the build",
};

/** The verb `verify`. */
export const verifyCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    const command = program.command("verify")
      .description("run RUN steps again, and say which files differ");
    addDefinitionOptions(command);
    command
      .option("--step <name>", "only this RUN step: its number, or a part of its name")
      .option("--json", "print it as JSON")
      .option(
        "--progress <display>",
        `show progress of steps not built yet as ${progressModes.join(", ")}`,
      )
      .action((operand: string | undefined, flags: VerifyFlags) => verify(operand, flags, context));
  },
};

async function verify(
  operand: string | undefined,
  flags: VerifyFlags,
  { engine, io, setExitCode }: CliContext,
): Promise<void> {
  const mode = parseProgressMode(flags.progress, io.environment);
  const { image, options } = await readDefinition(operand, flags, io);
  const progress = await selectReporter(mode, {
    sink: io.stderr,
    environment: io.environment,
    readSource: (file) => readSourceFile(resolve(io.workingDirectory, file)),
  });
  let result: VerifyResult;
  try {
    const { step } = flags;
    result = await engine.verify(image, {
      ...options,
      ...step === undefined ? {} : { step },
      progress,
    });
  } finally {
    progress.close();
  }
  io.stdout.write(
    flags.json === true ? `${JSON.stringify(result)}\n` : verifyText(result, io.workingDirectory),
  );
  if (!result.reproducible) setExitCode(DIFFERS);
}

/** A line a step; below it where it is, and the files that differ, each with its fields and why. */
function verifyText({ steps }: VerifyResult, workingDirectory: string): string {
  if (steps.length === 0) return "there are no RUN steps\n";
  const width = String(steps.at(-1)?.number ?? 0).length;
  const indent = " ".repeat(width + "differs".length + 4);
  return steps.map((step) => {
    const { number, outcome, name, at, failure } = step;
    const place = at === undefined ? [] : [`${shownFile(at.file, workingDirectory)}:${at.line}`];
    const below = [
      ...place,
      ...failure === undefined ? [] : [`it failed: ${failure}`],
      ...fileLines(step),
    ];
    const head = `${String(number).padStart(width)}  ${outcome.padEnd("differs".length)}  ${name}`;
    return [head, ...below.map((line) => indent + line)]
      .map((line) => `${displayText(line.split(/[\r\n]/).join(" "))}\n`).join("");
  }).join("");
}

function fileLines({ differences }: VerifiedStep): string[] {
  const files = new Map<string, FileDifference[]>();
  for (const one of differences) files.set(one.path, [...files.get(one.path) ?? [], one]);
  const lines = [...files].slice(0, MOST_FILES).flatMap(([path, fields]) => [
    `/${path}: ${CAUSES[fields[0]?.cause ?? "every-run"]}`,
    ...fields.map(({ field, stored, again, offset }) => {
      const where = offset === undefined ? "" : ` at byte ${offset}`;
      return `  ${field}${where}: ${stored} → ${again}`;
    }),
  ]);
  const more = files.size - MOST_FILES;
  return more > 0 ? [...lines, `and ${more} more files: see --json`] : lines;
}

/** Below the working directory, as people would name it; elsewhere in full. */
function shownFile(file: string, workingDirectory: string): string {
  const below = relative(workingDirectory, file);
  return below === "" || below.startsWith("..") ? file : below;
}
