/**
 * The command line: arguments in, exit code out.
 *
 * @module
 */
import type { CommanderError } from "commander";
import { LayerwrightError } from "../../core/errors.ts";
import type { CliContext, CliEngine, CliIo } from "./command.ts";
import { interruptExitCode } from "./interrupt.ts";
import { reportError } from "./report_error.ts";
import { VERSION, versionLine } from "./version.ts";

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const COMMAND_LINE: string = "./command_line.ts";

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
    argv,
    setExitCode: (code) => {
      exitCode = code;
    },
    reportErrorsAsJson: () => {
      asJson = true;
    },
  };
  try {
    if (!answered(argv, io)) {
      // The parser of arguments takes longer to load than some commands take to run.
      const { runCommandLine }: typeof import("./command_line.ts") = await import(COMMAND_LINE);
      await runCommandLine(argv, context);
    }
    return exitCode;
  } catch (error) {
    const failure = isCommanderError(error) ? usageError(error, argv) : error;
    if (failure === undefined) return isCommanderError(error) ? error.exitCode : 1;
    reportError(failure, io, asJson);
    return io.interrupt?.aborted === true ? interruptExitCode(io.interrupt) : 1;
  }
}

/** Answers what takes no parser to understand, in the parser's words. */
function answered(argv: readonly string[], io: CliIo): boolean {
  const [word, ...more] = argv;
  if (more.length > 0) return false;
  if (word === "version") io.stdout.write(versionLine());
  else if (word === "--version" || word === "-V") io.stdout.write(`${VERSION}\n`);
  else return false;
  return true;
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && "code" in error && String(error.code).startsWith("commander.") &&
    "exitCode" in error;
}

/** A parser's complaint in our words; undefined where it only ended after printing help or a version. */
function usageError(
  error: CommanderError,
  argv: readonly string[],
): LayerwrightError | undefined {
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
    { hint: `see layerwright ${isVerb(argv, quoted) ? `${argv[0]} ` : ""}--help` },
  );
}

/** Whether the complaint is about what follows a verb, not about the verb. */
function isVerb([first = "-"]: readonly string[], complaint: string): boolean {
  return !first.startsWith("-") &&
    !complaint.startsWith(`unknown command ${JSON.stringify(first)}`);
}
