/**
 * `layerwright graph`: prints what a recipe compiles to.
 *
 * @module
 */
import type { Command } from "commander";
import { serializeGraph } from "../../../core/mod.ts";
import type { CliCommand, CliContext } from "../command.ts";
import {
  addDefinitionOptions,
  type DefinitionFlags,
  readDefinition,
} from "../definition_options.ts";
import { parseFormat } from "../format_option.ts";
import { graphToDot, graphToMermaid } from "../graph_text.ts";

interface GraphFlags extends DefinitionFlags {
  readonly format: string;
}

/** The verb `graph`. */
export const graphCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    const command = program.command("graph").description("print the graph of a recipe");
    addDefinitionOptions(command);
    command
      .option("--format <format>", "print json, dot or mermaid", "json")
      .action((operand: string | undefined, flags: GraphFlags) =>
        printGraph(operand, flags, context)
      );
  },
};

async function printGraph(
  operand: string | undefined,
  flags: GraphFlags,
  context: CliContext,
): Promise<void> {
  const format = parseFormat(flags.format, ["json", "dot", "mermaid"]);
  const { image, options } = await readDefinition(operand, flags, context.io);
  const graph = await context.engine.graph(image, options);
  const print = {
    json: () => `${serializeGraph(graph)}\n`,
    dot: () => graphToDot(graph),
    mermaid: () => graphToMermaid(graph),
  };
  context.io.stdout.write(print[format]());
}
