/**
 * `layerwright version`: says which version runs, and on what.
 *
 * @module
 */
import type { Command } from "commander";
import type { CliCommand, CliContext } from "../command.ts";
import { versionLine } from "../version.ts";

/** The verb `version`. */
export const versionCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    program.command("version").description("print the version").action(() => {
      context.io.stdout.write(versionLine());
    });
  },
};
