/** W0: what a process costs before it does anything. */
import { fileURLToPath } from "node:url";
import type { Contender } from "../series.ts";
import { BUN_TOOL } from "../tools.ts";
import { type Bench, engineHome } from "./bench.ts";

const HELLO = fileURLToPath(new URL("../../../recipes/hello.ts", import.meta.url));

/** Measures the start of the runtimes, of the command line, and a build of one small file that is there already. */
export function startup(bench: Bench): void {
  const contenders = (
    label: string,
    args: readonly string[],
  ): Contender[] =>
    bench.engines.map((engine) => ({
      tool: engine.tool,
      steps: [{
        label,
        command: () => engine.command(args, engineHome(bench, engine, "w0")),
      }],
    }));
  const bare = bench.engines.map((engine): Contender => ({
    tool: engine.tool === BUN_TOOL ? "bun -e 0" : "deno eval 0",
    steps: [{
      label: "",
      command: () => ({
        argv: [engine.program, engine.tool === BUN_TOOL ? "-e" : "eval", "0"],
        cwd: bench.scratch.path,
      }),
    }],
  }));
  for (const engine of bench.engines) {
    bench.prepare(engine.command(["build", "-q", HELLO], engineHome(bench, engine, "w0")));
  }
  bench.measure({
    workload: "W0",
    measure: "start",
    contenders: [...contenders("", ["version"]), ...bare],
  });
  bench.measure({
    workload: "W0",
    measure: "unchanged hello",
    contenders: [...contenders("", ["build", "-q", HELLO]), ...bare],
  });
}
