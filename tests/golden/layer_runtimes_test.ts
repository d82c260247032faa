/** The layer codec gives the same bytes on every engine there is: Bun's, Deno's, and Node's, which is years older. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { programPath } from "../support/program_path.ts";
import { runtimeCommands, runtimeProgram } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const PRINTER = fileURLToPath(new URL("../support/print_layer_digests.ts", import.meta.url));
const timeout = 60_000;

function linesOf([program = "", ...args]: readonly string[]): string[] {
  return execFileSync(program, args, { encoding: "utf8", timeout }).trim().split("\n");
}

test("layers have one DiffID, and one digest at each level, on every runtime", { timeout }, () => {
  const outputs = runtimeCommands(PRINTER).map(linesOf);
  assert.equal(outputs[0]?.length, 6);
  for (const lines of outputs) assert.deepEqual(lines, outputs[0]);
});

/** Older ones lack what the codec is written with. */
const OLDEST_NODE = 20;

function recentNode(): string | undefined {
  const path = programPath("node");
  if (path === undefined) return undefined;
  const [, major] = /^v(\d+)\./.exec(execFileSync(path, ["--version"], { encoding: "utf8" })) ?? [];
  return Number(major) >= OLDEST_NODE ? path : undefined;
}

const node = recentNode();
const bun = runtimeProgram("bun");
const needs = `needs node ${OLDEST_NODE}, bun`;
test(`layers have the same digests on Node (${needs})`, {
  skip: (node === undefined || bun === undefined) && needs,
  timeout,
}, () => {
  using folder = temporaryDirectory();
  const bundle = join(folder.path, "printer.mjs");
  // Node does not load our TypeScript: what it runs is the same source, with the types taken out.
  execFileSync(bun ?? "", ["build", "--target=node", `--outfile=${bundle}`, PRINTER], { timeout });
  assert.deepEqual(linesOf([node ?? "", bundle]), linesOf(runtimeCommands(PRINTER)[0] ?? []));
});
