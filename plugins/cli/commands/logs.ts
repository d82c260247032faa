/**
 * `layerwright logs`: prints all that steps of an earlier build printed.
 *
 * @module
 */
import type { Command } from "commander";
import { closeSync, openSync, readSync } from "node:fs";
import { LayerwrightError, type PastStep } from "../../../core/mod.ts";
import type { CliCommand, CliContext, ResultSink } from "../command.ts";
import { displayText } from "../reporters/display_text.ts";

const CHUNK_BYTES = 65_536;

/** The verb `logs`. */
export const logsCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    program.command("logs")
      .description("print all that steps of an earlier build printed")
      .argument("[build]", "its name, or the end of it (default: the latest)")
      .argument("[step]", "its number, or a part of its name (default: what failed, else all)")
      .action((build: string | undefined, step: string | undefined) =>
        printLogs({ build, step }, context)
      );
  },
};

async function printLogs(
  names: { readonly build: string | undefined; readonly step: string | undefined },
  { engine, io }: CliContext,
): Promise<void> {
  const { build, steps } = await engine.steps(names);
  for (const step of steps) {
    const { number, name, logPath, exitCode } = step;
    if (logPath === undefined && exitCode === undefined) {
      throw new LayerwrightError(
        "BUILD_UNKNOWN",
        `Cannot show the output of step ${number} of build ${build.id}: ${whySilent(step)}`,
      );
    }
    if (steps.length > 1) io.stdout.write(`==> ${number}  ${displayText(name)}\n`);
    if (logPath !== undefined) copyFile(logPath, io.stdout);
  }
}

function whySilent({ outcome }: Pick<PastStep, "outcome">): string {
  if (outcome === "cached") return "an earlier result of it was used";
  return outcome === undefined ? "it did not start" : "it started no program";
}

function copyFile(path: string, sink: ResultSink): void {
  const fd = openSync(path, "r");
  try {
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) {
      sink.write(buffer.subarray(0, count));
    }
  } finally {
    closeSync(fd);
  }
}
