/**
 * What is kept of a build: its steps, how they ended, where their output is, and what it takes to look around in them.
 *
 * @module
 */
import * as v from "valibot";
import type { ChainID, DiffID, Digest } from "../oci/digest.ts";

/** A layer in a record, with the stack it lies on. */
export interface RecordedLayer {
  /** Null: it is the lowest. */
  readonly below: ChainID | null;
  readonly diffId: DiffID;
  readonly sizeBytes: number;
}

/** How a step of a build ended; absent in a record: it was not reached. */
export type StepOutcome = "cached" | "run" | "failed" | "cancelled";

/** One step that makes a layer. */
export interface RecordedStep {
  /** From 1, in the order of the graph; the same as `explain` shows. */
  readonly number: number;
  /** `[build 2/4] RUN bun build`. */
  readonly name: string;
  /** `recipe.ts:14`. */
  readonly at?: string;
  /** The digest of its vertex. */
  readonly vertex: string;
  readonly outcome?: StepOutcome;
  /** Of a program that ran. */
  readonly exitCode?: number;
  readonly durationMs?: number;
  /** The file with all of its output, in the folder of the build; absent for a step that printed nothing and went well. */
  readonly log?: string;
  /** What it takes to run a program in its files; `core/execute/step_state.ts` reads it. */
  readonly state?: unknown;
}

/** What a failed build keeps for those who want to look around: goes before the record does. */
export interface KeptState {
  /** Numbers of steps whose files are kept as they left them, in `failed/<number>`. */
  readonly roots: readonly number[];
  /** Bytes on disk of those files. */
  readonly sizeBytes: number;
  /** Whose owners they have on disk: as `ExecutorProbe.snapshotVariant`. */
  readonly variant?: string;
  /** The boot of the machine they were made in. */
  readonly boot?: string;
  /** Blobs that garbage collection leaves alone meanwhile. */
  readonly digests: readonly Digest[];
  /** The tag of the image that the failed step was to be added to. */
  readonly reference?: string;
}

/** One build. */
export interface BuildRecord {
  readonly version: 1;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
  /** Absent while it runs, and if it was killed. */
  readonly endedMs?: number;
  /** The process that builds: see `process_token.ts`. */
  readonly holder: string;
  /** The file of the recipe. */
  readonly recipe?: string;
  /** The name of the image. */
  readonly image: string;
  /** `running` for ever if it was killed. */
  readonly outcome: "running" | "succeeded" | "failed" | "cancelled";
  /** Why it failed, and at which step. */
  readonly failure?: { readonly code?: string; readonly message: string; readonly step?: number };
  readonly steps: readonly RecordedStep[];
  /** Layers of the steps, by the stack each one is the top of. */
  readonly layers: Readonly<Record<string, RecordedLayer>>;
  readonly kept?: KeptState;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const digestText = v.pipe(v.string(), v.regex(/^sha(?:256|512):[0-9a-f]{64,128}$/));
const digest = v.pipe(digestText, v.transform((text) => text as Digest));
const diffId = v.pipe(digestText, v.transform((text) => text as DiffID));
const chainId = v.pipe(digestText, v.transform((text) => text as ChainID));

const step = v.object({
  number: count,
  name: v.string(),
  at: v.exactOptional(v.string()),
  vertex: v.string(),
  outcome: v.exactOptional(v.picklist(["cached", "run", "failed", "cancelled"])),
  exitCode: v.exactOptional(count),
  durationMs: v.exactOptional(count),
  // A record that was tampered with must not lead out of its folder.
  log: v.exactOptional(v.pipe(v.string(), v.regex(/^logs\/\d+\.log$/))),
  state: v.exactOptional(v.unknown()),
});

const recordSchema: v.GenericSchema<unknown, BuildRecord> = v.object({
  version: v.literal(1),
  id: v.string(),
  startedMs: count,
  endedMs: v.exactOptional(count),
  holder: v.string(),
  recipe: v.exactOptional(v.string()),
  image: v.string(),
  outcome: v.picklist(["running", "succeeded", "failed", "cancelled"]),
  failure: v.exactOptional(v.object({
    code: v.exactOptional(v.string()),
    message: v.string(),
    step: v.exactOptional(count),
  })),
  steps: v.array(step),
  layers: v.record(
    digestText,
    v.object({ below: v.nullable(chainId), diffId, sizeBytes: count }),
  ),
  kept: v.exactOptional(v.object({
    roots: v.array(count),
    sizeBytes: count,
    variant: v.exactOptional(v.string()),
    boot: v.exactOptional(v.string()),
    digests: v.array(digest),
    reference: v.exactOptional(v.string()),
  })),
});

/** Reads a record. @returns undefined for what is none: cut short, of a later version, of another build. */
export function parseBuildRecord(text: string, id: string): BuildRecord | undefined {
  try {
    const { success, output } = v.safeParse(recordSchema, JSON.parse(text));
    return success && output.id === id ? output : undefined;
  } catch {
    return undefined;
  }
}
