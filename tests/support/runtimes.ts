/**
 * Child processes of this runtime and of the other one.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { host } from "../../core/host/mod.ts";
import { programPath } from "./program_path.ts";

const BIN = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));

/** Where `bun` or `deno` is: on the PATH, or as the project installs it. */
export function runtimeProgram(program: "bun" | "deno"): string | undefined {
  const installed = join(BIN, program);
  return programPath(program) ?? (existsSync(installed) ? installed : undefined);
}

/** argv that runs a module of ours in the runtime that this is not; undefined when it is not installed. */
export function otherRuntimeCommand(modulePath: string): string[] | undefined {
  const program = runtimeProgram(host.runtime === "bun" ? "deno" : "bun");
  if (program === undefined) return undefined;
  return host.runtime === "bun"
    ? [program, "run", "-A", "--no-lock", modulePath]
    : [program, "run", modulePath];
}

/** argv for each runtime that is installed, this one first. */
export function runtimeCommands(modulePath: string): string[][] {
  const other = otherRuntimeCommand(modulePath);
  return [host.selfCommand(modulePath), ...(other === undefined ? [] : [other])];
}
