/** W8: RUN steps alone: what one costs, what its layer costs, and how much memory a large one takes. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { programPath } from "../../support/program_path.ts";
import { needRoom, writeBusyboxRoot, writeSizedFiles } from "../inputs.ts";
import { freshFolder } from "../scratch.ts";
import { pipeline } from "../tools.ts";
import {
  type Bench,
  buildahBuilds,
  dockerBuilds,
  engineBuilds,
  recipe,
  withPrograms,
} from "./bench.ts";

/** The two numbers of steps whose difference is {@link RUN_STEPS} steps without the start of anything. */
export const FEW_RUNS = "1 RUN";
export const MANY_RUNS = "31 RUNs";
export const RUN_STEPS = 30;

/** Measures 1 and 31 steps, cold; the layer of 6,000 files (quick: 600); the memory of a step that writes 2 GiB. */
export function runSteps(bench: Bench): void {
  const busybox = programPath("busybox");
  if (busybox === undefined) return bench.note("W8 left out: needs busybox");
  const folder = freshFolder(join(bench.scratch.path, "w8"));
  const context = join(folder, "context");
  writeBusyboxRoot(join(context, "root"), busybox);
  for (const [measure, count] of [[FEW_RUNS, 1], [MANY_RUNS, 1 + RUN_STEPS]] as const) {
    const lines = ["FROM scratch", "COPY root /"];
    for (let index = 1; index <= count; index += 1) {
      lines.push(`RUN echo ${index} > /run-${index}.txt`);
    }
    const dockerfile = join(folder, `Dockerfile-${count}`);
    writeFileSync(dockerfile, `${lines.join("\n")}\n`);
    const build = { dockerfile, context };
    const args = [recipe("w8"), "--context", context, "--build-arg", `STEPS=${count}`];
    bench.measure({
      workload: "W8",
      measure,
      contenders: [
        ...engineBuilds(bench, `w8-${count}`, args, { cold: true }),
        ...buildahBuilds(bench, `w8-${count}`, build, { cold: true, push: false }),
        ...dockerBuilds(bench, build, { cold: true }),
      ],
    });
  }
  layerOfStep(bench, folder);
  largeStep(bench, context);
}

/** The upper directory to a layer, against what a shell would do to get a tar and its digest. */
function layerOfStep(bench: Bench, folder: string): void {
  const upper = join(folder, "upper");
  const [files, bytes] = bench.options.quick ? [600, 15_000_000] : [6000, 150_000_000];
  writeSizedFiles(upper, files, Math.floor(bytes / files));
  const module = fileURLToPath(new URL("../diff_upper.ts", import.meta.url));
  const tar = join(folder, "layer.tar");
  bench.measure({
    workload: "W8",
    measure: "layer of a step",
    contenders: [
      ...bench.engines.map((engine) => ({
        tool: engine.tool,
        prepare: (): void => rmSync(tar, { force: true }),
        steps: [{ label: "", command: () => engine.module(module, [upper, tar]) }],
      })),
      ...withPrograms(bench, ["tar", "sha256sum"], () => ({
        tool: "tar | sha256sum",
        steps: [{ label: "", command: () => pipeline("tar c . | sha256sum >/dev/null", upper) }],
      })),
    ],
  });
  rmSync(upper, { recursive: true });
  rmSync(tar, { force: true });
}

function largeStep(bench: Bench, context: string): void {
  const mib = bench.options.quick ? 64 : 2048;
  // The step's file and its layer, one store at a time.
  needRoom(bench.scratch, 3 * mib * 2 ** 20);
  mkdirSync(join(bench.scratch.path, "w9"), { recursive: true });
  const args = [recipe("w9"), "--context", context, "--build-arg", `MIB=${mib}`];
  for (const contender of engineBuilds(bench, "w9", args, { cold: true })) {
    bench.measure({ workload: "W8", measure: `a file of ${mib} MiB`, contenders: [contender] });
    freshFolder(join(bench.scratch.path, "w9"));
  }
}
