/**
 * The parser of arguments, with the verbs it knows.
 *
 * @module
 */
import { Command } from "commander";
import type { CliContext } from "./command.ts";
import { builtInVerbs, type Verb } from "./verbs.ts";
import { VERSION } from "./version.ts";

/** Parses a command line and runs the verb it names. */
export async function runCommandLine(argv: readonly string[], context: CliContext): Promise<void> {
  const { io } = context;
  const width = (): number => io.stderr.columns() || 80;
  const colors = (isTty: boolean): boolean => isTty && !io.environment.NO_COLOR;
  const program = new Command("layerwright")
    .description("Container images as code, on Bun and Deno, without a daemon")
    .version(VERSION, "-V, --version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // Usage errors are reported with all others.
      outputError: () => {},
      getOutHelpWidth: width,
      getErrHelpWidth: width,
      getOutHasColors: () => colors(io.stdout.isTty),
      getErrHasColors: () => colors(io.stderr.isTty),
    });
  for (const verb of builtInVerbs) {
    // Anywhere, not only in front: "help build" is about it, too.
    if (argv.includes(verb.name)) (await verb.load()).register(program, context);
    else outline(program, verb);
  }
  for (const command of io.commands ?? []) command.register(program, context);
  await program.parseAsync([...argv], { from: "user" });
}

/** What the list of verbs shows of one, and suggestions know: the rest is loaded for the verb that is asked for. */
export function outline(program: Command, { name, operands, hasOptions, description }: Verb): void {
  const command = program.command(operands === undefined ? name : `${name} ${operands}`)
    .description(description);
  if (hasOptions) command.option("--any");
}
