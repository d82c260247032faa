/**
 * `layerwright version`: says which version runs, and on what.
 *
 * @module
 */
import type { Command } from "commander";
import type { CliCommand, CliContext } from "../command.ts";
import { VERSION } from "../version.ts";

/** The verb `version`. */
export const versionCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    program.command("version").description("print the version").action(() => {
      const { bun, deno, node }: Readonly<Record<string, string | undefined>> = process.versions;
      const runtime = bun !== undefined
        ? `bun ${bun}`
        : deno !== undefined
        ? `deno ${deno}`
        : `node ${node}`;
      context.io.stdout.write(`layerwright ${VERSION} (${runtime})\n`);
    });
  },
};
