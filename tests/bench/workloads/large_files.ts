/** W2: eight large files, half of which compresses. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { needRoom, writeMixedFiles } from "../inputs.ts";
import { freshFolder } from "../scratch.ts";
import { type Bench, buildahBuilds, dockerBuilds, engineBuilds, recipe } from "./bench.ts";
import { pipes, umoci } from "./node_modules.ts";

const FILES = 8;

/** Measures 8 × 128 MiB (quick: 8 × 4 MiB), cold. */
export function largeFiles(bench: Bench): void {
  const fileMiB = bench.options.quick ? 4 : 128;
  // The files, a store for each of three tools, and buildah's copies of its own.
  needRoom(bench.scratch, 8 * FILES * fileMiB * 2 ** 20);
  const folder = freshFolder(join(bench.scratch.path, "w2"));
  const tree = join(folder, "tree");
  writeMixedFiles(tree, FILES, fileMiB * 2 ** 20);
  bench.note(`W2: ${FILES} files of ${fileMiB} MiB`);
  const dockerfile = join(folder, "Dockerfile");
  writeFileSync(dockerfile, "FROM scratch\nCOPY . /\n");
  const build = { dockerfile, context: tree };
  const args = [recipe("w1"), "--context", tree];
  bench.measure({
    workload: "W2",
    measure: "cold",
    contenders: [
      ...engineBuilds(bench, "w2", args, { cold: true, ending: "gzip" }),
      ...umoci(bench, folder, tree),
      ...pipes(bench, tree),
      ...buildahBuilds(bench, "w2", build, { cold: true }),
      ...dockerBuilds(bench, build, { cold: true }),
    ],
  });
  bench.measure({
    workload: "W2",
    measure: "cold, stored",
    contenders: engineBuilds(bench, "w2-stored", args, { cold: true }),
  });
}
