/**
 * The command line of the benchmark.
 *
 * @module
 */
import { parseArgs } from "node:util";

/** What is measured, how often and how large. */
export interface BenchOptions {
  readonly quick: boolean;
  readonly growth: boolean;
  /** Workloads by name; all unless given. */
  readonly only?: ReadonlySet<string>;
  /** Where the results are kept. */
  readonly json?: string;
  readonly rounds: number;
  /** A folder on disk for the files, instead of memory. */
  readonly folder?: string;
}

/** What `--help` prints. */
export const USAGE = `npm run bench -- [options]

  --quick         small sizes, up to three rounds, at most 60 s once W1's packages are downloaded
  --growth        time and memory against files, layer size and graph size, instead of the workloads
  --only W1,W6    these workloads: W0 W1 W2 W3 W6 W7 W8 (W1 brings W4 and W5); of growth: files layer graph
  --folder DIR    keep the files there and not in memory: for what memory does not hold
  --rounds N      runs of every tool (default: 5, quick: 3)
  --json FILE     keep all samples
`;

/** Reads the arguments; throws a TypeError for an unknown one. */
export function parseOptions(args: readonly string[]): BenchOptions | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      growth: { type: "boolean", default: false },
      only: { type: "string" },
      json: { type: "string" },
      rounds: { type: "string" },
      folder: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  const rounds = values.rounds === undefined ? (values.quick ? 3 : 5) : Number(values.rounds);
  if (!(Number.isInteger(rounds) && rounds > 0)) {
    throw new TypeError(`Cannot use --rounds ${values.rounds}: not a positive whole number`);
  }
  return {
    quick: values.quick,
    growth: values.growth,
    rounds,
    ...(values.only === undefined ? {} : { only: new Set(values.only.split(",")) }),
    ...(values.folder === undefined ? {} : { folder: values.folder }),
    ...(values.json === undefined ? {} : { json: values.json }),
  };
}
