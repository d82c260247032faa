/**
 * Runs of several tools at one task, taken in turns so that a busy minute of the machine hits all of them alike.
 *
 * @module
 */
import { type Command, type Run, type Sample } from "./measure.ts";

/** One timed part of a contender's work. */
export interface TimedStep {
  /** What the row is called after this step: "build", "build + push". */
  readonly label: string;
  readonly command: (round: number) => Command;
}

/** A tool at a task. */
export interface Contender {
  readonly tool: string;
  /** Not timed; before each round. */
  readonly prepare?: (round: number) => void;
  /** Each gives a row whose figures include the steps before it. */
  readonly steps: readonly TimedStep[];
  /** Gets what the last step printed. */
  readonly inspect?: (stdout: string) => void;
}

/** What is compared. */
export interface Task {
  /** W1 to W7, or the name of a growth run. */
  readonly workload: string;
  /** What is done: "cold", "unchanged", "one file". */
  readonly measure: string;
  readonly contenders: readonly Contender[];
}

/** The samples of one tool at one task. */
export interface Row {
  readonly workload: string;
  readonly measure: string;
  readonly tool: string;
  readonly samples: readonly Sample[];
  /** Why there are no samples, or fewer than asked for. */
  readonly note?: string;
}

/** How long and how often. */
export interface Bounds {
  readonly rounds: number;
  /** Seconds that a task may take; its first round is measured in any case. */
  readonly capSeconds: number;
  /** Of `performance.now()`: the end of the whole benchmark. */
  readonly deadlineMs: number;
  readonly run: (command: Command, limitSeconds: number) => Run;
}

/** The note of a row that has fewer samples than asked for. */
export const TIME_WAS_UP = "time was up";

/** Measures all contenders of a task, one round after the other. A tool that fails gets a note and no further rounds. */
export function measureTask(task: Task, bounds: Bounds): Row[] {
  const end = performance.now() + bounds.capSeconds * 1000;
  const series = task.contenders.map((contender) => ({
    contender,
    samples: contender.steps.map((): Sample[] => []),
    lastMs: 0,
    note: undefined as string | undefined,
  }));
  for (let round = 0; round < bounds.rounds; round += 1) {
    for (const entry of series) {
      if (entry.note !== undefined) continue;
      const begin = performance.now();
      // The first round is for everyone: a row without a figure says nothing.
      const limit = round === 0 ? bounds.deadlineMs : Math.min(end, bounds.deadlineMs);
      if (begin + entry.lastMs > limit) {
        entry.note = TIME_WAS_UP;
        continue;
      }
      try {
        runContender(entry.contender, round, entry.samples, bounds);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        entry.note = performance.now() >= bounds.deadlineMs
          ? TIME_WAS_UP
          : message.replace(/\s+/g, " ");
      }
      entry.lastMs = performance.now() - begin;
    }
  }
  return series.flatMap(({ contender, samples, note }) =>
    contender.steps.map(({ label }, index) => ({
      workload: task.workload,
      measure: task.measure,
      tool: label === "" ? contender.tool : `${contender.tool}, ${label}`,
      samples: samples[index] ?? [],
      ...(note === undefined ? {} : { note }),
    }))
  );
}

function runContender(
  contender: Contender,
  round: number,
  samples: readonly Sample[][],
  bounds: Bounds,
): void {
  contender.prepare?.(round);
  let sum: Sample | undefined;
  let stdout = "";
  for (const [index, { command }] of contender.steps.entries()) {
    const left = Math.ceil((bounds.deadlineMs - performance.now()) / 1000);
    const { stdout: printed, ...sample } = bounds.run(command(round), Math.max(1, left));
    stdout = printed;
    sum = sum === undefined ? sample : added(sum, sample);
    samples[index]?.push(sum);
  }
  contender.inspect?.(stdout);
}

function added(a: Sample, b: Sample): Sample {
  const sample: Sample = { wallSeconds: a.wallSeconds + b.wallSeconds };
  if (a.cpuSeconds === undefined || b.cpuSeconds === undefined) return sample;
  return {
    ...sample,
    cpuSeconds: a.cpuSeconds + b.cpuSeconds,
    peakRssBytes: Math.max(a.peakRssBytes ?? 0, b.peakRssBytes ?? 0),
    foreignProcessors: Math.max(a.foreignProcessors ?? 0, b.foreignProcessors ?? 0),
  };
}
