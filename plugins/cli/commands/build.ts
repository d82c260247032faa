/**
 * `layerwright build`: builds a recipe, with the options of `docker build`.
 *
 * @module
 */
import type { Command } from "commander";
import { resolve } from "node:path";
import {
  type BuildResult,
  type Compression,
  encoderNameOf,
  LayerwrightError,
  type OutputSpec,
  parseReference,
} from "../../../core/mod.ts";
import type { CliCommand, CliContext, CliIo } from "../command.ts";
import {
  addDefinitionOptions,
  type DefinitionFlags,
  readDefinition,
} from "../definition_options.ts";
import { collect } from "../key_value_options.ts";
import { lookAround, wantsShell } from "../on_error_option.ts";
import { parseOutput } from "../output_option.ts";
import { readSourceFile } from "../process_streams.ts";
import {
  parseProgressMode,
  type ProgressMode,
  progressModes,
  selectReporter,
} from "../reporters/select_reporter.ts";
import { metadataText, removeStaleResult, writeResultFile } from "../result_files.ts";

interface BuildFlags extends DefinitionFlags {
  readonly tag?: readonly string[];
  readonly output?: readonly string[];
  readonly progress?: string;
  readonly quiet?: true;
  readonly compression?: string;
  readonly iidfile?: string;
  readonly metadataFile?: string;
  readonly onError?: string;
}

/** Modes in which standard error is for people who asked to read about the build. */
const TALKATIVE: readonly ProgressMode[] = ["auto", "plain", "tty"];

/** The verb `build`. */
export const buildCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    const command = program.command("build").description("build an image from a recipe");
    addDefinitionOptions(command);
    command
      .option("-t, --tag <name>", "name the image", collect)
      .option(
        "-o, --output <spec>",
        "also write it: type=oci,dest=app.tar; a folder; - for a tar",
        collect,
      )
      .option("--progress <display>", `show progress as ${progressModes.join(", ")}`)
      .option("-q, --quiet", "show nothing, print the image ID")
      .option(
        "--compression <type[:level]>",
        "compress layers now: gzip, zstd, uncompressed; otherwise when the image leaves",
      )
      .option("--iidfile <file>", "write the image ID to a file")
      .option("--metadata-file <file>", "write image ID, names and, if compressed, digest as JSON")
      .option("--on-error <what>", "when a step fails: fail, or open a shell where it did first")
      .action((operand: string | undefined, flags: BuildFlags) => build(operand, flags, context));
  },
};

async function build(
  operand: string | undefined,
  flags: BuildFlags,
  context: CliContext,
): Promise<void> {
  const { engine, io } = context;
  const quiet = flags.quiet === true;
  const mode = quiet && flags.progress === undefined
    ? "quiet"
    : parseProgressMode(flags.progress, io.environment);
  if (mode === "rawjson") context.reportErrorsAsJson();
  const opensShell = wantsShell(flags.onError, context);
  const outputs = readOutputs(flags.output ?? [], quiet, io);
  const tags = flags.tag ?? [];
  if (flags.compression !== undefined) encoderNameOf(flags.compression);
  // The engine would say the same, but after minutes of work.
  for (const tag of tags) parseReference(tag);
  const resultFiles = [flags.iidfile, flags.metadataFile].filter((path) => path !== undefined)
    .map((path) => resolve(io.workingDirectory, path));
  for (const path of resultFiles) removeStaleResult(path);
  const { image, options } = await readDefinition(operand, flags, io);
  const progress = await selectReporter(mode, {
    sink: io.stderr,
    environment: io.environment,
    readSource: (file) => readSourceFile(resolve(io.workingDirectory, file)),
  });
  let result: BuildResult;
  try {
    result = await engine.build(image, {
      ...options,
      tags,
      outputs,
      progress,
      ...(flags.compression === undefined ? {} : { compression: flags.compression as Compression }),
    });
  } catch (error) {
    progress.close();
    if (opensShell) await lookAround(error, context, options);
    throw error;
  }
  progress.close();
  if (flags.iidfile !== undefined) {
    writeResultFile(resolve(io.workingDirectory, flags.iidfile), result.imageId);
  }
  if (flags.metadataFile !== undefined) {
    writeResultFile(resolve(io.workingDirectory, flags.metadataFile), metadataText(result));
  }
  if (quiet) io.stdout.write(`${result.imageId}\n`);
  else if (TALKATIVE.includes(mode)) io.stderr.write(`${summary(result)}\n`);
}

function summary(result: BuildResult): string {
  const names = result.tags.length === 0 ? "" : ` as ${result.tags.join(", ")}`;
  return `Built ${result.imageId}${names}`;
}

/** Only one thing can be written to standard output, and never to a person's terminal. */
function readOutputs(values: readonly string[], quiet: boolean, io: CliIo): OutputSpec[] {
  const outputs = values.map(parseOutput);
  const streamed = outputs.filter(({ dest }) => dest === "-").length;
  const refuse = (why: string): never => {
    throw new LayerwrightError(
      "OPTION_INVALID",
      `Cannot write the image to standard output: ${why}`,
      {
        hint: 'name a file: "type=oci,dest=app.tar"',
      },
    );
  };
  if (streamed > 0 && io.stdout.isTty) refuse("it is a terminal");
  if (streamed > 0 && quiet) refuse("--quiet prints the image ID there");
  if (streamed > 1) refuse("several outputs go there");
  return outputs.map((output) =>
    output.dest === "-" ? { ...output, write: (bytes) => io.stdout.write(bytes) } : output
  );
}
