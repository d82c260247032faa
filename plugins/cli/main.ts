/**
 * The command line of this process.
 *
 * @module
 */
import type { CliCommand, CliEngine } from "./command.ts";
import { listenForInterrupt } from "./interrupt.ts";
import {
  isInputAwaited,
  standardError,
  standardInput,
  standardInputIsTty,
  standardOutput,
} from "./process_streams.ts";
import { runCli } from "./run_cli.ts";

export { engineOnDemand } from "./engine_on_demand.ts";
export { runCli } from "./run_cli.ts";

/** What {@link runMain} may be told. */
export interface MainOptions {
  /** Verbs besides the built-in ones. */
  readonly commands?: readonly CliCommand[];
}

/**
 * Runs the command line on this process's streams and signals. The caller sets the exit code: nothing here ends
 * the process, so that what is still being written is written.
 *
 * @param args What follows the program's name.
 * @returns The exit code. See {@link runCli}.
 */
export async function runMain(
  args: readonly string[],
  engine: CliEngine,
  options: MainOptions = {},
): Promise<number> {
  using interrupt = listenForInterrupt();
  const exitCode = await runCli(args, engine, {
    ...options,
    stdin: standardInput,
    stdout: standardOutput,
    stderr: standardError,
    stdinIsTty: standardInputIsTty,
    environment: process.env,
    workingDirectory: process.cwd(),
    interrupt: interrupt.signal,
  });
  if (isInputAwaited()) process.exit(exitCode);
  return exitCode;
}
