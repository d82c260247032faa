/**
 * `layerwright explain`: says of each step which input keeps it from using an earlier result.
 *
 * @module
 */
import type { Command } from "commander";
import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import { LayerwrightError, type StepExplanation } from "../../../core/mod.ts";
import type { CliCommand, CliContext } from "../command.ts";
import {
  addDefinitionOptions,
  type DefinitionFlags,
  readDefinition,
} from "../definition_options.ts";
import { displayText } from "../reporters/display_text.ts";

interface ExplainFlags extends DefinitionFlags {
  readonly json?: true;
}

/** A step and its number, which stays the same when fewer are shown. */
interface NumberedStep extends StepExplanation {
  readonly number: number;
}

/** The verb `explain`. */
export const explainCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    const command = program.command("explain")
      .description("say why steps have no earlier result, by the input that differs");
    addDefinitionOptions(command);
    command
      .argument("[step]", "only this step: its number, or a part of its name")
      .option("--json", "print it as JSON")
      .action((recipe: string | undefined, step: string | undefined, flags: ExplainFlags) =>
        explain({ recipe, step }, flags, context)
      );
  },
};

interface Operands {
  readonly recipe: string | undefined;
  readonly step: string | undefined;
}

async function explain(
  operands: Operands,
  flags: ExplainFlags,
  { engine, io }: CliContext,
): Promise<void> {
  const { recipe, step } = withStepAlone(operands, io.workingDirectory);
  const { image, options } = await readDefinition(recipe, flags, io);
  const explained = await engine.explain(image, options);
  const numbered = explained.map((one, index): NumberedStep => ({ number: index + 1, ...one }));
  const steps = step === undefined ? numbered : stepsNamed(step, numbered);
  io.stdout.write(
    flags.json === true ? `${JSON.stringify({ steps })}\n` : text(steps, io.workingDirectory),
  );
}

/** A number alone is a step of the recipe of this folder, unless something has that name. */
function withStepAlone({ recipe, step }: Operands, workingDirectory: string): Operands {
  const isStep = recipe !== undefined && step === undefined && /^\d+$/.test(recipe) &&
    !existsSync(resolve(workingDirectory, recipe));
  return isStep ? { recipe: undefined, step: recipe } : { recipe, step };
}

/** @throws {LayerwrightError} `OPTION_INVALID` when no step is called so. */
function stepsNamed(wanted: string, steps: readonly NumberedStep[]): readonly NumberedStep[] {
  const found = /^\d+$/.test(wanted)
    ? steps.filter(({ number }) => number === Number(wanted))
    : steps.filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()));
  if (found.length > 0) return found;
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot explain step ${JSON.stringify(wanted)}: no step has that number or name`,
    {
      details: steps.map(({ number, name }) => `${number}  ${name}`),
      hint: "give the number of a step, or a part of its name",
    },
  );
}

/** Two lines a step: what becomes of it, and below, where it is in the recipe and why. */
function text(steps: readonly NumberedStep[], workingDirectory: string): string {
  const width = String(steps.at(-1)?.number ?? 0).length;
  return steps.map(({ number, outcome, name, reason, at }) => {
    const place = at === undefined ? "" : `${shownFile(at.file, workingDirectory)}:${at.line}`;
    const below = [place, reason].filter((part) => part !== undefined && part !== "").join("  ");
    const head = `${String(number).padStart(width)}  ${outcome.padEnd("pending".length)}  ${name}`;
    const indent = " ".repeat(width + "pending".length + 4);
    return [head, ...below === "" ? [] : [indent + below]]
      .map((line) => `${displayText(line.split(/[\r\n]/).join(" "))}\n`).join("");
  }).join("");
}

/** Below the working directory, as people would name it; elsewhere in full. */
function shownFile(file: string, workingDirectory: string): string {
  const below = relative(workingDirectory, file);
  return below === "" || below.startsWith("..") ? file : below;
}
