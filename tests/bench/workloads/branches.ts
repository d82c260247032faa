/** W6: four branches that do not depend on each other, each one processor's work. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { programPath } from "../../support/program_path.ts";
import { writeBusyboxRoot } from "../inputs.ts";
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

const NAMES = ["a", "b", "c", "d"];
const LOOP = "i=0; while [ $i -lt $TURNS ]; do i=$((i+1)); done";

/** Measures about four seconds of work (quick: 0.25 s) in each of four stages. */
export function branches(bench: Bench): void {
  const busybox = programPath("busybox");
  if (busybox === undefined) return bench.note("W6 left out: needs busybox");
  const turns = bench.options.quick ? 100_000 : 1_600_000;
  const folder = freshFolder(join(bench.scratch.path, "w6"));
  const context = join(folder, "context");
  writeBusyboxRoot(join(context, "root"), busybox);
  const dockerfile = join(folder, "Dockerfile");
  const lines = ["FROM scratch AS base", "COPY root /"];
  for (const name of NAMES) {
    lines.push(`FROM base AS ${name}`, "ARG TURNS", `RUN ${LOOP}; echo ${name} > /${name}`);
  }
  lines.push("FROM scratch", ...NAMES.map((name) => `COPY --from=${name} /${name} /`));
  writeFileSync(dockerfile, `${lines.join("\n")}\n`);
  const argument = ["--build-arg", `TURNS=${turns}`];
  const jobs = ["--jobs", String(cpus().length)];
  const build = { dockerfile, context, args: [...argument, ...jobs] };
  const loops =
    `printf '%s\\n' ${NAMES.join(" ")} | TURNS=${turns} xargs -P ${cpus().length} -n 1 ` +
    `${busybox} sh -c '${LOOP}'`;
  bench.measure({
    workload: "W6",
    measure: "cold",
    contenders: [
      ...engineBuilds(bench, "w6", [recipe("w6"), "--context", context, ...argument], {
        cold: true,
      }),
      ...withPrograms(bench, ["xargs"], () => ({
        tool: "the loops alone",
        steps: [{ label: "", command: () => pipeline(loops, folder) }],
      })),
      ...buildahBuilds(bench, "w6", build, { cold: true, push: false }),
      ...dockerBuilds(bench, { ...build, args: argument }, { cold: true }),
    ],
  });
}
