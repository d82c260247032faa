/**
 * `layerwright doctor`: what can run steps here, what is missing, and how to get it.
 *
 * @module
 */
import type { Command } from "commander";
import { arch, release, type } from "node:os";
import { host } from "../../../core/host/mod.ts";
import type { EngineProbe, ProbedExecutor, ProbeFinding } from "../../../core/mod.ts";
import type { CliCommand, CliContext } from "../command.ts";
import { displayText } from "../reporters/display_text.ts";
import { VERSION } from "../version.ts";

interface DoctorFlags {
  readonly executor?: string;
  readonly json?: true;
}

/** The verb `doctor`. */
export const doctorCommand: CliCommand = {
  register(program: Command, context: CliContext): void {
    program.command("doctor").description("say what can run steps here, and what is missing")
      .option("--executor <name>", "ask about this one only: oci, util or remote")
      .option("--json", "print it as JSON")
      .action((flags: DoctorFlags) => examine(flags, context));
  },
};

async function examine(flags: DoctorFlags, context: CliContext): Promise<void> {
  const probe = await context.engine.probe(flags.executor);
  const system = {
    version: VERSION,
    runtime: `${host.runtime} ${host.version}`,
    kernel: `${type()} ${release()} ${arch()}`,
  };
  context.io.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ ...probe, chosen: probe.chosen ?? null, system }, null, 2)}\n`
      : report(probe, system),
  );
  if (probe.chosen === undefined) context.setExitCode(1);
}

function report(probe: EngineProbe, system: Readonly<Record<string, string>>): string {
  const { chosen, executors, store } = probe;
  const first = chosen === undefined
    ? "No step can run here; images without RUN steps can be built all the same"
    : `Steps run with the executor "${chosen}"`;
  const lines = [
    first,
    "",
    ...executors.flatMap((executor) => executorLines(executor, chosen)),
    ...findingLines(store),
    `  layerwright: ${system.version} on ${system.runtime}, ${system.kernel}`,
  ];
  return lines.map((line) => `${displayText(line)}\n`).join("");
}

function executorLines(executor: ProbedExecutor, chosen: string | undefined): string[] {
  const { name, usable, findings } = executor;
  const state = name === chosen ? "works, and is taken" : usable ? "works" : "cannot run steps";
  return [`${name}: ${state}`, ...findings.flatMap(findingLines), ""];
}

function findingLines({ name, found, detail, fix }: ProbeFinding): string[] {
  const line = `  ${name}: ${found ? "" : "no: "}${detail}`.split(/[\r\n]+/).join(" ");
  return fix === undefined || found ? [line] : [line, `    fix: ${fix}`];
}
