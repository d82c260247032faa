/**
 * Growth: time and memory against the number of files, the size of a layer and the size of a graph. Nothing may grow
 * faster than n log n.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { needRoom, writeMixedFiles, writeSmallFiles } from "../inputs.ts";
import { freshFolder } from "../scratch.ts";
import type { Row } from "../series.ts";
import { wallSeconds } from "../targets.ts";
import { type Bench, engineBuilds, engineHome, recipe } from "./bench.ts";

const MIB = 2 ** 20;

/** One kind of growth: sizes, and what makes an input of a size. */
interface Growth {
  readonly name: string;
  readonly unit: string;
  readonly sizes: readonly number[];
  readonly quickSizes: readonly number[];
  readonly roomBytes: (size: number) => number;
  /** Makes the input and gives the arguments of the build. */
  readonly input: (folder: string, size: number) => readonly string[];
}

const GROWTHS: readonly Growth[] = [
  {
    name: "files",
    unit: "files",
    sizes: [1000, 10_000, 50_000, 200_000],
    quickSizes: [1000, 10_000],
    roomBytes: (files) => files * 16_384,
    input: (folder, files) => {
      writeSmallFiles(folder, files);
      return [recipe("w1"), "--context", folder];
    },
  },
  {
    name: "layer",
    unit: "MiB",
    sizes: [10, 100, 1024, 10_240],
    quickSizes: [10, 100],
    // The file, two stores with the tar and the blob.
    roomBytes: (mib) => mib * MIB * 3,
    input: (folder, mib) => {
      writeMixedFiles(folder, 1, mib * MIB);
      return [recipe("w1"), "--context", folder];
    },
  },
  {
    name: "graph",
    unit: "vertices",
    sizes: [10, 100, 1000, 10_000],
    quickSizes: [10, 100, 1000],
    roomBytes: (vertices) => vertices * 65_536,
    input: (_folder, vertices) => [recipe("w7"), "--build-arg", `VERTICES=${vertices}`],
  },
];

/** How far above n log n two sizes may be apart: noise of short runs. */
const SLACK = 1.3;

/** Measures all kinds and says which grew too fast. */
export function growth(bench: Bench): void {
  for (const kind of GROWTHS) {
    if (bench.options.only?.has(kind.name) === false) continue;
    const rows: { readonly size: number; readonly row: Row }[] = [];
    for (const size of bench.options.quick ? kind.quickSizes : kind.sizes) {
      const workload = `growth-${kind.name}-${size}`;
      try {
        needRoom(bench.scratch, kind.roomBytes(size));
      } catch (error) {
        bench.note(`growth of ${kind.name}, ${size} ${kind.unit}, left out: ${String(error)}`);
        continue;
      }
      const folder = freshFolder(join(bench.scratch.path, workload));
      const args = kind.input(join(folder, "input"), size);
      for (const measure of ["cold", "unchanged"]) {
        // One store at a time: the largest layers would not fit twice.
        for (const [index, engine] of bench.engines.entries()) {
          const contenders = engineBuilds(bench, workload, args, { cold: measure === "cold" })
            .slice(index, index + 1);
          if (measure === "unchanged") {
            for (const { steps: [step] } of contenders) if (step) bench.prepare(step.command(0));
          }
          const measured = bench.measure({
            workload: `growth of ${kind.name}`,
            measure: `${measure}, ${size} ${kind.unit}`,
            contenders,
          });
          rows.push(...measured.map((row) => ({ size, row: { ...row, measure } })));
          rmSync(engineHome(bench, engine, workload), { recursive: true, force: true });
        }
      }
      rmSync(folder, { recursive: true, force: true });
    }
    judge(bench, kind, rows);
  }
}

/** Compares the largest two sizes: start-up, which all sizes have, hides growth in the small ones. */
function judge(
  bench: Bench,
  kind: Growth,
  rows: readonly { readonly size: number; readonly row: Row }[],
): void {
  const series = Map.groupBy(
    rows.filter(({ row }) => row.samples.length > 0),
    ({ row }) => `${row.tool}, ${row.measure}`,
  );
  for (const [name, points] of series) {
    const [before, last] = points.slice(-2);
    if (before === undefined || last === undefined) continue;
    const grown = wallSeconds(last.row) / wallSeconds(before.row);
    const allowed = (last.size * Math.log2(last.size)) / (before.size * Math.log2(before.size));
    bench.note(
      `growth of ${kind.name}, ${name}: ${before.size} → ${last.size} ${kind.unit} takes ${
        grown.toFixed(1)
      } times as long, n log n is ${allowed.toFixed(1)}: ${
        grown <= allowed * SLACK ? "no worse" : "WORSE"
      }`,
    );
  }
}
