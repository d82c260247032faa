/**
 * The ratios to reach, and whether they are. Long because it is mostly a table, which the formatter spreads.
 *
 * @module
 */
import { median } from "./measure.ts";
import type { Row } from "./series.ts";
import { BUN_TOOL, DENO_TOOL } from "./tools.ts";
import { FEW_RUNS, MANY_RUNS, RUN_STEPS } from "./workloads/run_steps.ts";

/** Workload, measure, tool. */
type Cell = readonly [workload: string, measure: string, tool?: string];

/** A ratio of wall-clock times, a time or a memory that must not be exceeded. */
interface Target {
  readonly id: string;
  readonly text: string;
  readonly bun: number;
  readonly deno: number;
  readonly ours: Cell;
  /** Whose time ours is divided by. */
  readonly over?: Cell;
  /** The peer's time over ours instead, which must be at least the target. */
  readonly speedUp?: true;
  /** What is compared instead of wall-clock seconds, without a peer. */
  readonly absolute?: "ms" | "MiB";
  /** What is taken away from either side, and by what the rest is divided: the cost of one of many steps. */
  readonly each?: { readonly less: Cell; readonly count: number };
  /** The peer's CPU time divided by this many processors, instead of its wall clock. */
  readonly cpuShare?: number;
  /** What ours takes beyond the other, in ms, instead of the ratio. */
  readonly extraMs?: true;
  /** The package that is compared, on the same runtime. */
  readonly npmWriter?: string;
}

const DOCKER = "docker (BuildKit), build";
const BUILD = "buildah, build";
const PUSH = "buildah, build + push";
const HASH = "tar | openssl sha256";
const ENCODE = "encode, level 1, one thread";
const TAR = "tar of 20,000 files from memory";

const cold = (workload: string, tool?: string): Cell =>
  tool === undefined ? [workload, "cold"] : [workload, "cold", tool];
const unchanged = (workload: string, tool?: string): Cell =>
  tool === undefined ? [workload, "unchanged"] : [workload, "unchanged", tool];
const oneFile = (tool?: string): Cell =>
  tool === undefined ? ["W5", "one file"] : ["W5", "one file", tool];
const stored = (workload: string): Cell => [workload, "cold, stored"];
/** One file changed, and the layer compressed: what pushing it would take. */
const ONE_FILE_GZIP: Cell = ["W5", "one file, gzip"];

/** One RUN step, without the start of what runs it. */
const EACH_RUN = { less: ["W8", FEW_RUNS], count: RUN_STEPS } as const;
const runs = (tool?: string): Cell =>
  tool === undefined ? ["W8", MANY_RUNS] : ["W8", MANY_RUNS, tool];

const TARGETS: readonly Target[] = [
  {
    id: "T1",
    text: "W1 cold gzip / buildah build + push",
    bun: 0.1,
    deno: 0.14,
    ours: cold("W1"),
    over: cold("W1", PUSH),
  },
  {
    id: "T1+",
    text: "the same, beyond",
    bun: 0.08,
    deno: 0.08,
    ours: cold("W1"),
    over: cold("W1", PUSH),
  },
  {
    id: "T2",
    text: "W1 cold gzip / BuildKit build",
    bun: 0.2,
    deno: 0.27,
    ours: cold("W1"),
    over: cold("W1", DOCKER),
  },
  {
    id: "T3",
    text: "W1 cold gzip / umoci insert",
    bun: 0.55,
    deno: 0.7,
    ours: cold("W1"),
    over: cold("W1", "umoci insert"),
  },
  {
    id: "T3+",
    text: "the same, beyond",
    bun: 0.45,
    deno: 0.45,
    ours: cold("W1"),
    over: cold("W1", "umoci insert"),
  },
  {
    id: "T4",
    text: "W1 cold, stored / tar | openssl sha256",
    bun: 2,
    deno: 3.2,
    ours: stored("W1"),
    over: cold("W1", HASH),
  },
  {
    id: "T4+",
    text: "the same, beyond",
    bun: 1.5,
    deno: 1.5,
    ours: stored("W1"),
    over: cold("W1", HASH),
  },
  {
    id: "T5",
    text: "W4 unchanged / find -printf",
    bun: 1.7,
    deno: 3,
    ours: unchanged("W4"),
    over: unchanged("W4", "find -printf"),
  },
  {
    id: "T6",
    text: "W4 unchanged / BuildKit build",
    bun: 0.2,
    deno: 0.35,
    ours: unchanged("W4"),
    over: unchanged("W4", DOCKER),
  },
  {
    id: "T6",
    text: "W4 unchanged / buildah build",
    bun: 0.03,
    deno: 0.05,
    ours: unchanged("W4"),
    over: unchanged("W4", BUILD),
  },
  {
    id: "T7",
    text: "W5 one file, stored / BuildKit build",
    bun: 0.12,
    deno: 0.2,
    ours: oneFile(),
    over: oneFile(DOCKER),
  },
  {
    id: "T7+",
    text: "the same, beyond",
    bun: 0.08,
    deno: 0.08,
    ours: oneFile(),
    over: oneFile(DOCKER),
  },
  {
    id: "T7",
    text: "W5 one file, gzip / buildah build + push",
    bun: 0.04,
    deno: 0.06,
    ours: ONE_FILE_GZIP,
    over: oneFile(PUSH),
  },
  {
    id: "T7+",
    text: "the same, beyond",
    bun: 0.03,
    deno: 0.03,
    ours: ONE_FILE_GZIP,
    over: oneFile(PUSH),
  },
  {
    id: "T8",
    text: "W2 cold gzip / umoci insert",
    bun: 0.7,
    deno: 0.75,
    ours: cold("W2"),
    over: cold("W2", "umoci insert"),
  },
  {
    id: "T8",
    text: "W2 cold, stored / tar | openssl sha256",
    bun: 1.2,
    deno: 1.3,
    ours: stored("W2"),
    over: cold("W2", HASH),
  },
  {
    id: "T9",
    text: "W3 cold / BuildKit build",
    bun: 0.65,
    deno: 0.75,
    ours: cold("W3"),
    over: cold("W3", DOCKER),
  },
  {
    id: "T9",
    text: "W3 cold / buildah build",
    bun: 0.15,
    deno: 0.18,
    ours: cold("W3"),
    over: cold("W3", BUILD),
  },
  {
    id: "T10",
    text: "W3 unchanged / BuildKit build",
    bun: 0.35,
    deno: 0.8,
    ours: unchanged("W3"),
    over: unchanged("W3", DOCKER),
  },
  {
    id: "T11",
    text: "W6 cold / BuildKit build",
    bun: 1,
    deno: 1,
    ours: cold("W6"),
    over: cold("W6", DOCKER),
  },
  {
    id: "T11",
    text: "W6 cold / CPU of the loops ÷ 2",
    bun: 1.2,
    deno: 1.2,
    ours: cold("W6"),
    over: cold("W6", "the loops alone"),
    cpuShare: 2,
  },
  {
    id: "T12",
    text: "encoder level 1 against pigz -1 -p1, times as fast",
    bun: 1.9,
    deno: 1.8,
    ours: ["W1", ENCODE],
    over: ["W1", ENCODE, "pigz -1 -p1"],
    speedUp: true,
  },
  {
    id: "T12+",
    text: "the same, beyond",
    bun: 2.2,
    deno: 2.2,
    ours: ["W1", ENCODE],
    over: ["W1", ENCODE, "pigz -1 -p1"],
    speedUp: true,
  },
  {
    id: "T12",
    text: "encoder level 1 against libdeflate-gzip -1, times as fast",
    bun: 1,
    deno: 1,
    ours: ["W1", ENCODE],
    over: ["W1", ENCODE, "libdeflate-gzip -1"],
    speedUp: true,
  },
  {
    id: "T14",
    text: "tar of files from memory, times as fast as nanotar",
    bun: 3,
    deno: 1.7,
    ours: ["W0", TAR],
    over: ["W0", TAR],
    npmWriter: "nanotar",
    speedUp: true,
  },
  {
    id: "T14",
    text: "the same, as tar-stream",
    bun: 3,
    deno: 1.7,
    ours: ["W0", TAR],
    over: ["W0", TAR],
    npmWriter: "tar-stream",
    speedUp: true,
  },
  {
    id: "T15",
    text: "W1 cold, peak RSS of the largest process, MiB",
    bun: 160,
    deno: 320,
    ours: cold("W1"),
    absolute: "MiB",
  },
  {
    id: "T15",
    text: "W2 cold, peak RSS of the largest process, MiB",
    bun: 160,
    deno: 320,
    ours: cold("W2"),
    absolute: "MiB",
  },
  {
    id: "T16",
    text: "start of the command line, ms",
    bun: 20,
    deno: 45,
    ours: ["W0", "start"],
    absolute: "ms",
  },
  {
    id: "T16+",
    text: "unchanged hello, ms beyond `bun -e 0`, `deno eval 0`",
    bun: 45,
    deno: 45,
    ours: ["W0", "unchanged hello"],
    over: ["W0", "unchanged hello"],
    extraMs: true,
  },
  {
    id: "R1",
    text: "one RUN step of 30, ms",
    bun: 25,
    deno: 25,
    ours: runs(),
    each: EACH_RUN,
    absolute: "ms",
  },
  {
    id: "R2",
    text: "one RUN step of 30 / BuildKit",
    bun: 0.3,
    deno: 0.3,
    ours: runs(),
    over: runs(DOCKER),
    each: EACH_RUN,
  },
  {
    id: "R3",
    text: "one RUN step of 30 / buildah",
    bun: 0.1,
    deno: 0.1,
    ours: runs(),
    over: runs(BUILD),
    each: EACH_RUN,
  },
  {
    id: "R4",
    text: "31 RUN steps cold / BuildKit build",
    bun: 0.3,
    deno: 0.3,
    ours: runs(),
    over: runs(DOCKER),
  },
  {
    id: "R5",
    text: "the layer of 6,000 files / tar | sha256sum",
    bun: 1.2,
    deno: 1.2,
    ours: ["W8", "layer of a step"],
    over: ["W8", "layer of a step", "tar | sha256sum"],
  },
  {
    id: "R6",
    text: "a RUN that writes 2 GiB, peak RSS of the largest process, MiB",
    bun: 200,
    deno: 200,
    ours: ["W8", "a file of 2048 MiB"],
    absolute: "MiB",
  },
];

/** One line of the table: what was reached on each runtime; undefined where something is missing. */
export interface TargetResult {
  readonly id: string;
  readonly text: string;
  readonly atLeast: boolean;
  readonly bun: Reached;
  readonly deno: Reached;
}

/** A target and what was measured. */
export interface Reached {
  readonly target: number;
  readonly value?: number;
  readonly met?: boolean;
}

/** Compares the rows with all targets. */
export function checkTargets(rows: readonly Row[]): TargetResult[] {
  return TARGETS.map((target) => ({
    id: target.id,
    text: target.text,
    atLeast: target.speedUp === true,
    bun: reached(target, target.bun, rows, BUN_TOOL, "bun -e 0"),
    deno: reached(target, target.deno, rows, DENO_TOOL, "deno eval 0"),
  }));
}

function reached(
  target: Target,
  limit: number,
  rows: readonly Row[],
  tool: string,
  bare: string,
): Reached {
  const value = measured(target, rows, tool, bare);
  if (value === undefined || Number.isNaN(value)) return { target: limit };
  return { target: limit, value, met: target.speedUp === true ? value >= limit : value <= limit };
}

function measured(
  target: Target,
  rows: readonly Row[],
  tool: string,
  bare: string,
): number | undefined {
  const find = ([workload, measure, name]: Cell, otherwise: string): Row | undefined =>
    rows.find((row) =>
      row.workload === workload && row.measure === measure && row.tool === (name ?? otherwise) &&
      row.samples.length > 0
    );
  const ours = find(target.ours, tool);
  if (ours === undefined) return undefined;
  if (target.absolute === "MiB") {
    return median(ours.samples.map((s) => s.peakRssBytes ?? NaN)) / 2 ** 20;
  }
  const seconds = (row: Row): number => {
    if (target.each === undefined) return wallSeconds(row);
    const { less: [workload, measure], count } = target.each;
    const less = find([workload, measure, row.tool], row.tool);
    return less === undefined ? NaN : (wallSeconds(row) - wallSeconds(less)) / count;
  };
  if (target.absolute === "ms") return seconds(ours) * 1000;
  const { npmWriter } = target;
  const runtime = tool === BUN_TOOL ? "Bun" : "Deno";
  const other = npmWriter === undefined ? bare : `${npmWriter} on ${runtime}`;
  const peer = target.over === undefined ? undefined : find(target.over, other);
  if (peer === undefined) return undefined;
  if (target.extraMs === true) return (wallSeconds(ours) - wallSeconds(peer)) * 1000;
  const over = target.cpuShare === undefined
    ? seconds(peer)
    : median(peer.samples.map((s) => s.cpuSeconds ?? NaN)) / target.cpuShare;
  return target.speedUp === true ? over / seconds(ours) : seconds(ours) / over;
}

/** The median wall clock of a row. */
export function wallSeconds(row: Row): number {
  return median(row.samples.map((sample) => sample.wallSeconds));
}
