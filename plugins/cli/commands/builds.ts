/**
 * `layerwright builds`: lists the builds that the store remembers.
 *
 * @module
 */
import type { Command } from "commander";
import type { PastBuild } from "../../../core/mod.ts";
import type { CliCommand, CliContext } from "../command.ts";
import { textTable } from "../text_table.ts";

/** The verb `builds`. */
export const buildsCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    program.command("builds")
      .description("list the builds that ran a step, or failed")
      .option("--json", "print it as JSON")
      .action(async ({ json }: { readonly json?: true }) => {
        const builds = await context.engine.builds();
        context.io.stdout.write(json === true ? jsonText(builds) : tableText(builds));
      });
  },
};

function tableText(builds: readonly PastBuild[]): string {
  const rows = builds.map((build) => [
    build.id,
    `${new Date(build.startedMs).toISOString().slice(0, 19)}Z`,
    build.image,
    outcomeText(build),
    build.recipe ?? "",
  ]);
  return textTable([["BUILD", "STARTED", "IMAGE", "OUTCOME", "RECIPE"], ...rows]);
}

function outcomeText({ outcome, wasKilled, failure }: PastBuild): string {
  if (wasKilled) return "killed";
  return failure?.step === undefined ? outcome : `${outcome} at step ${failure.step}`;
}

/** Without what only the store can make use of. */
function jsonText(builds: readonly PastBuild[]): string {
  const shown = builds.map(({ version: _, holder: _h, layers: _l, kept, steps, ...build }) => ({
    ...build,
    ...kept?.reference === undefined ? {} : { lastGoodImage: kept.reference },
    steps: steps.map(({ state: _s, ...step }) => step),
  }));
  return `${JSON.stringify({ builds: shown })}\n`;
}
