/**
 * `layerwright plan`: says what a build would do, and why, without doing it.
 *
 * @module
 */
import type { Command } from "commander";
import { type BuildPlan, type Compression, encoderNameOf } from "../../../core/mod.ts";
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
  readonly compression?: string;
}

/** The verb `plan`. */
export const planCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    const command = program.command("plan").description("say which steps would run, and why");
    addDefinitionOptions(command);
    command
      .option("--compression <type[:level]>", "tell the digest of the image compressed so")
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
  if (flags.compression !== undefined) encoderNameOf(flags.compression);
  const { image, options } = await readDefinition(operand, flags, context.io);
  const result = await context.engine.plan(image, {
    ...options,
    ...(flags.compression === undefined ? {} : { compression: flags.compression as Compression }),
  });
  context.io.stdout.write(format === "json" ? `${JSON.stringify(result)}\n` : planText(result));
}

function planText(plan: BuildPlan): string {
  const rows = plan.steps.map(({ name, outcome, reason }) => [name, outcome, reason ?? ""]);
  const table = textTable([["STEP", "OUTCOME", "REASON"], ...rows]);
  const image = plan.imageId === undefined ? "" : `image: ${plan.imageId}\n`;
  const digest = plan.digest === undefined ? "" : `digest: ${plan.digest}\n`;
  return `${table}${image}${digest}`;
}
