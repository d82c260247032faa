/**
 * `layerwright worker`: runs steps for an engine on another machine, over standard input and output.
 *
 * @module
 */
import type { Command } from "commander";
import { LayerwrightError } from "../../../core/mod.ts";
import type { CliCommand, CliContext } from "../command.ts";
import { collect } from "../key_value_options.ts";
import { parseEntitlement } from "../step_options.ts";

/** The verb `worker`. */
export const workerCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    program.command("worker").description("run steps for Layerwright on another machine")
      .option("--allow <entitlement>", "let steps have security.insecure", collect)
      .action(({ allow = [] }: { readonly allow?: readonly string[] }) =>
        work(context, allow.map(parseEntitlement))
      );
  },
};

async function work({ engine, io }: CliContext, allow: readonly string[]): Promise<void> {
  const { stdin, stdout, interrupt } = io;
  if (stdin === undefined || io.stdinIsTty?.() === true || stdout.isTty) {
    throw new LayerwrightError(
      "OPTION_INVALID",
      "Cannot run steps for another machine: this is a terminal",
      { hint: 'name this command there: LAYERWRIGHT_REMOTE="ssh this-host layerwright worker"' },
    );
  }
  await engine.serve({
    input: stdin.read(interrupt),
    // Returns when it is written: whoever waits for a slow line holds up who fills it.
    write: (bytes) => Promise.resolve(stdout.write(bytes)),
    allow,
  });
}
