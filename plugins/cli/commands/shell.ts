/**
 * `layerwright shell`: opens a shell where a step of an earlier build ran.
 *
 * @module
 */
import type { Command } from "commander";
import type { ShellOptions } from "../../../core/mod.ts";
import type { CliCommand, CliContext, CliIo } from "../command.ts";
import { displayText } from "../reporters/display_text.ts";
import { addSecretOptions, readSecretOptions, type SecretFlags } from "../secret_options.ts";

/** The verb `shell`. */
export const shellCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    const command = program.command("shell")
      .description("look around in a step of an earlier build")
      .argument("[build]", "its name, or the end of it (default: the latest that failed)")
      .argument("[step]", "its number, or a part of its name (default: the one that failed)")
      .argument("[command...]", 'after "--": what to run instead of a shell');
    addSecretOptions(command);
    command
      .action(async (
        _build: string | undefined,
        _step: string | undefined,
        _command: readonly string[],
        flags: SecretFlags,
        { args }: Command,
      ) => {
        const { names, command } = splitOperands(args, context.argv);
        const [build, step] = names;
        const { engine, io } = context;
        context.setExitCode(
          await engine.shell({
            ...build === undefined ? {} : { build },
            ...step === undefined ? {} : { step },
            command,
            ...readSecretOptions(flags, io),
            ...shellSurroundings(io),
          }),
        );
      });
  },
};

/** What a shell gets of a call of the command line. */
export function shellSurroundings(
  io: CliIo,
): Pick<ShellOptions, "output" | "announce" | "terminalType" | "signal"> {
  const decoder = new TextDecoder();
  const announce = (text: string): void =>
    io.stderr.write(text.split("\n").map((line) => `${displayText(line)}\n`).join(""));
  return {
    announce,
    output: {
      write(stream, bytes): void {
        if (stream === "stdout") io.stdout.write(bytes);
        else io.stderr.write(decoder.decode(bytes, { stream: true }));
      },
    },
    terminalType: io.environment.TERM,
    ...io.interrupt === undefined ? {} : { signal: io.interrupt },
  };
}

/** The parser does not tell what stands before "--" from what stands after it. */
function splitOperands(
  operands: readonly string[],
  argv: readonly string[],
): { readonly names: readonly string[]; readonly command: readonly string[] } {
  const dashes = argv.indexOf("--");
  const command = dashes < 0 ? operands.slice(2) : argv.slice(dashes + 1);
  return { names: operands.slice(0, operands.length - command.length), command };
}
