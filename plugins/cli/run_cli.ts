/**
 * The command line: arguments in, exit code out.
 *
 * @module
 */
import { Command, type CommanderError } from "commander";
import { LayerwrightError } from "../../core/mod.ts";
import type { CliEngine } from "./command.ts";
import type { CliContext, CliIo } from "./command.ts";
import { buildCommand } from "./commands/build.ts";
import { explainCommand } from "./commands/explain.ts";
import { graphCommand } from "./commands/graph.ts";
import { planCommand } from "./commands/plan.ts";
import { versionCommand } from "./commands/version.ts";
import { interruptExitCode } from "./interrupt.ts";
import { reportError } from "./report_error.ts";
import { VERSION } from "./version.ts";

/**
 * Runs one command. Results go to standard output, everything else to standard error.
 *
 * @param argv Operands and options, without the program's name.
 * @returns 0; 1 when the command line or the build is wrong; 128 + the signal's number when interrupted; what a
 * verb set.
 */
export async function runCli(
  argv: readonly string[],
  engine: CliEngine,
  io: CliIo,
): Promise<number> {
  let exitCode = 0;
  let asJson = false;
  const context: CliContext = {
    engine,
    io,
    setExitCode: (code) => {
      exitCode = code;
    },
    reportErrorsAsJson: () => {
      asJson = true;
    },
  };
  try {
    await parse(argv, context);
    return exitCode;
  } catch (error) {
    const failure = isCommanderError(error) ? usageError(error) : error;
    if (failure === undefined) return isCommanderError(error) ? error.exitCode : 1;
    reportError(failure, io, asJson);
    return io.interrupt?.aborted === true ? interruptExitCode(io.interrupt) : 1;
  }
}

async function parse(argv: readonly string[], context: CliContext): Promise<void> {
  const { io } = context;
  const width = (): number => io.stderr.columns() || 80;
  const program = new Command("layerwright")
    .description("Container images as code, on Bun and Deno, without a daemon")
    .version(VERSION, "-V, --version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // Usage errors are reported with all others.
      outputError: () => {},
      getOutHelpWidth: width,
      getErrHelpWidth: width,
    });
  const commands = [
    buildCommand,
    planCommand,
    explainCommand,
    graphCommand,
    versionCommand,
    ...io.commands ?? [],
  ];
  for (const command of commands) command.register(program, context);
  await program.parseAsync([...argv], { from: "user" });
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && "code" in error && String(error.code).startsWith("commander.") &&
    "exitCode" in error;
}

/** A parser's complaint in our words; undefined where it only ended after printing help or a version. */
function usageError(error: CommanderError): LayerwrightError | undefined {
  if (/^commander\.(?:help|helpDisplayed|version)$/.test(error.code)) return undefined;
  const quoted = error.message.replace(/^error: /, "").replace(/(^|\s)'([^']*)'/g, '$1"$2"');
  const [first = "", suggestion] = quoted.split("\n");
  const nearest = /^\(Did you mean (?:one of )?(.*)\?\)$/.exec(suggestion ?? "")?.[1];
  const names = nearest?.split(", ").map((name) => `"${name}"`).join(" or ");
  return new LayerwrightError(
    "OPTION_INVALID",
    `Cannot read the command line: ${first.replace(/\.$/, "")}${
      names === undefined ? "" : `, did you mean ${names}?`
    }`,
    { hint: "see layerwright --help" },
  );
}
