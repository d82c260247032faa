/**
 * Builds that the store remembers, and how people name them and their steps.
 *
 * @module
 */
import { join } from "node:path";
import type { EngineParts } from "../build/engine_parts.ts";
import { LayerwrightError } from "../errors.ts";
import { stepsMeant } from "../solve/step_names.ts";
import type { BuildRecord, RecordedStep } from "../store/build_record.ts";
import { isProcessGone } from "../store/process_token.ts";
import { openBuildStore, type Store } from "../store/store.ts";

/** A build, and where what is kept of it is. */
export interface PastBuild extends BuildRecord {
  readonly directory: string;
  /** It says that it runs, but its process is gone. */
  readonly wasKilled: boolean;
}

/** One step of a {@link PastBuild}. */
export interface PastStep extends RecordedStep {
  /** The file with all that it printed, if there is any. */
  readonly logPath?: string;
}

/** All builds, the latest first. */
export function pastBuilds(parts: EngineParts): PastBuild[] {
  using store = openBuildStore(parts);
  return store.builds.list().map((record) => pastBuild(store, record));
}

/**
 * Steps of a build, as people name them.
 *
 * @param names The build: its name or the end of it; the latest unless given. The step: its number or a part of its name;
 * all that ran unless given, or the failed one of a build that failed.
 * @throws {LayerwrightError} `BUILD_UNKNOWN`.
 */
export function pastSteps(
  parts: EngineParts,
  names: { readonly build?: string | undefined; readonly step?: string | undefined },
): { readonly build: PastBuild; readonly steps: readonly PastStep[] } {
  using store = openBuildStore(parts);
  const record = names.build === undefined
    ? latest(store.builds.list())
    : store.builds.find(names.build);
  const build = pastBuild(store, record);
  const steps = names.step !== undefined
    ? [stepNamed(record, names.step)]
    : record.steps.filter(({ log, outcome }) =>
      log !== undefined && (record.failure?.step === undefined || outcome === "failed")
    );
  return {
    build,
    steps: steps.map((step) =>
      step.log === undefined ? step : { ...step, logPath: join(build.directory, step.log) }
    ),
  };
}

/**
 * The step that people mean.
 *
 * @throws {LayerwrightError} `BUILD_UNKNOWN` for what names no step, or several.
 */
export function stepNamed(record: BuildRecord, wanted: string): RecordedStep {
  const found = stepsMeant(record.steps, wanted);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new LayerwrightError(
    "BUILD_UNKNOWN",
    `Cannot find step ${JSON.stringify(wanted)} of build ${record.id}: ${
      found.length === 0 ? "no step has that number or name" : `${found.length} steps are named so`
    }`,
    {
      details: stepLines(record),
      hint: "give the number of a step, or a part of its name that no other has",
    },
  );
}

/** The steps of a build, one a line. */
export function stepLines({ steps }: BuildRecord): string[] {
  return steps.map(({ number, name, outcome }) =>
    `${number}  ${(outcome ?? "not reached").padEnd("not reached".length)}  ${name}`
  );
}

function latest(records: readonly BuildRecord[]): BuildRecord {
  const [first] = records;
  if (first !== undefined) return first;
  throw new LayerwrightError("BUILD_UNKNOWN", "Cannot show a build: none is remembered", {
    hint: "builds that run a step, or fail, are",
  });
}

function pastBuild(store: Store, record: BuildRecord): PastBuild {
  return {
    ...record,
    directory: store.builds.directory(record.id),
    wasKilled: record.outcome === "running" && isProcessGone(record.holder),
  };
}
