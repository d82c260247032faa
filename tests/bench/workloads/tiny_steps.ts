/** W3: a busybox root, then fifteen times COPY and RUN: what a step costs. */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { programPath } from "../../support/program_path.ts";
import { writeBusyboxRoot } from "../inputs.ts";
import { freshFolder } from "../scratch.ts";
import type { Task } from "../series.ts";
import { type Bench, buildahBuilds, dockerBuilds, engineBuilds, recipe } from "./bench.ts";

/** Measures 31 steps (quick: 9): cold, unchanged, and with the first copied file changed, which reruns all that follow. */
export function tinySteps(bench: Bench): void {
  const busybox = programPath("busybox");
  if (busybox === undefined) return bench.note("W3 left out: needs busybox");
  const pairs = bench.options.quick ? 4 : 15;
  const folder = freshFolder(join(bench.scratch.path, "w3"));
  const context = join(folder, "context");
  writeBusyboxRoot(join(context, "root"), busybox);
  mkdirSync(join(context, "files"));
  const lines = ["FROM scratch", "COPY root /"];
  for (let index = 1; index <= pairs; index += 1) {
    writeFileSync(join(context, `files/${index}.txt`), `${index}\n`);
    lines.push(`COPY files/${index}.txt /`, `RUN echo ${index} > /run-${index}.txt`);
  }
  const dockerfile = join(folder, "Dockerfile");
  writeFileSync(dockerfile, `${lines.join("\n")}\n`);
  const build = { dockerfile, context };
  const args = [recipe("w3"), "--context", context, "--build-arg", `PAIRS=${pairs}`];
  bench.note(`W3: ${2 * pairs + 1} steps`);
  const task = (
    measure: string,
    options: { readonly cold?: boolean; readonly before?: () => void },
  ): Task => ({
    workload: "W3",
    measure,
    contenders: [
      ...engineBuilds(bench, "w3", args, options),
      ...buildahBuilds(bench, "w3", build, options),
      ...dockerBuilds(bench, build, options),
    ],
  });
  bench.measure(task("cold", { cold: true }));
  bench.measure(task("unchanged", {}));
  const changed = join(context, "files/1.txt");
  bench.measure(task("one file", { before: () => appendFileSync(changed, "changed\n") }));
}
