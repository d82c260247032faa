/**
 * `layerwright plan`: says what a build would do, and why, without doing it.
 *
 * @module
 */
import type { Command } from "commander";
import type { BuildPlan } from "../../../core/mod.ts";
import type { CliCommand, CliContext } from "../command.ts";
import {
  addDefinitionOptions,
  type DefinitionFlags,
  readDefinition,
} from "../definition_options.ts";
import { parseFormat } from "../format_option.ts";
import { textTable } from "../text_table.ts";

interface PlanFlags extends DefinitionFlags {
  readonly format: string;
}

/** The verb `plan`. */
export const planCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    const command = program.command("plan").description("say which steps would run, and why");
    addDefinitionOptions(command);
    command
      .option("--format <format>", "print a table, or json", "table")
      .action((operand: string | undefined, flags: PlanFlags) => plan(operand, flags, context));
  },
};

async function plan(
  operand: string | undefined,
  flags: PlanFlags,
  context: CliContext,
): Promise<void> {
  const format = parseFormat(flags.format, ["table", "json"]);
  const { image, options } = await readDefinition(operand, flags, context.io);
  const result = await context.engine.plan(image, options);
  context.io.stdout.write(format === "json" ? `${JSON.stringify(result)}\n` : planText(result));
}

function planText(plan: BuildPlan): string {
  const rows = plan.steps.map(({ name, outcome, reason }) => [name, outcome, reason ?? ""]);
  const table = textTable([["STEP", "OUTCOME", "REASON"], ...rows]);
  return plan.digest === undefined ? table : `${table}digest: ${plan.digest}\n`;
}
