/** T14: our tar writer against those of npm, on each runtime. */
import { fileURLToPath } from "node:url";
import { installPackages } from "../inputs.ts";
import type { Contender } from "../series.ts";
import { BUN_TOOL } from "../tools.ts";
import type { Bench } from "./bench.ts";

const PACKAGES = ["nanotar", "tar-stream"];

/** Measures 5 × 20,000 small files from memory. */
export function tarWriters(bench: Bench, say: (line: string) => void): void {
  const folder = installPackages("tar_writers", say);
  const module = fileURLToPath(new URL("../write_tar.ts", import.meta.url));
  bench.measure({
    workload: "W0",
    measure: "tar of 20,000 files from memory",
    contenders: bench.engines.flatMap((engine): Contender[] =>
      ["ours", ...PACKAGES].map((writer) => ({
        tool: writer === "ours" ? engine.tool : npmWriter(writer, engine.tool === BUN_TOOL),
        steps: [{ label: "", command: () => engine.module(module, [writer, folder]) }],
      }))
    ),
  });
}

function npmWriter(name: string, isBun: boolean): string {
  return `${name} on ${isBun ? "Bun" : "Deno"}`;
}
