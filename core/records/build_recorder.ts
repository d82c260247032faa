/**
 * Keeps the record of one build: what its steps printed, how they ended, and what it takes to look around in them.
 *
 * A build that runs nothing and does not fail leaves no trace. A record is there to help: that it cannot be written
 * is a warning, never the reason for a failure.
 *
 * @module
 */
import { closeSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { LayerwrightError } from "../errors.ts";
import type { Executor, RunResult } from "../execute/executor.ts";
import { removeTrees } from "../execute/remove_trees.ts";
import type { RunInputs } from "../execute/run.ts";
import type { StepRecorder } from "../execute/step_recorder.ts";
import type { VertexResult } from "../execute/vertex_result.ts";
import type { Workbench } from "../execute/workbench.ts";
import type { Graph } from "../graph/graph.ts";
import type { RunOp } from "../graph/op.ts";
import type { Vertex, VertexDigest } from "../graph/vertex.ts";
import { writeFully } from "../layer/full_io.ts";
import type { ProgressEvent } from "../solve/progress.ts";
import type { BuildRecord, StepOutcome } from "../store/build_record.ts";
import { processToken } from "../store/process_token.ts";
import { recordSteps, type StepTrack } from "./build_tracks.ts";
import { keepFailure } from "./kept_failure.ts";

/** What a record is made of. */
export interface BuildRecorderParts {
  readonly graph: Graph;
  /** Steps that make layers, in the order of the graph, with their names. */
  readonly steps: readonly { readonly vertex: VertexDigest; readonly name: string }[];
  /** Open until the recorder is done. */
  readonly bench: () => Workbench;
  readonly executors: readonly Executor[];
}

type Closing = Pick<BuildRecord, "outcome" | "failure" | "kept">;

/** Listens to one attempt at a build. */
export class BuildRecorder implements StepRecorder {
  readonly #parts: BuildRecorderParts;
  readonly #tracks: ReadonlyMap<VertexDigest, StepTrack>;
  readonly #startedMs: number = Date.now();
  #id: string | undefined;
  /** There is a folder for the files of failed steps. */
  #keepsRoots = false;
  /** Set once the record is of no use any more. */
  #isOff = false;
  /** The step whose error is the build's. */
  #failed: StepTrack | undefined;

  constructor(parts: BuildRecorderParts) {
    this.#parts = parts;
    this.#tracks = new Map(
      parts.steps.map((step, index) => [step.vertex, { ...step, number: index + 1 }]),
    );
  }

  /** Takes an event before anybody shows it. */
  event(event: ProgressEvent): void {
    if (event.type === "plan" || event.vertex === undefined) return;
    const track = this.#tracks.get(event.vertex);
    if (track === undefined) return;
    switch (event.type) {
      case "started":
        track.startedMs = event.timeMs;
        if (this.#runs(track)) this.#attempt(() => this.#begin());
        return;
      case "cached":
        track.outcome = "cached";
        return;
      case "log":
        return this.#attempt(() => this.#append(track, event.bytes));
      case "completed":
        return this.#attempt(() => this.#end(track, "run", event.timeMs));
      case "failed":
        if (!event.cancelled) this.#failed ??= track;
        return this.#attempt(() =>
          this.#end(track, event.cancelled ? "cancelled" : "failed", event.timeMs)
        );
    }
  }

  /** The file with all that a step printed, if it ran. */
  logOf(vertex: VertexDigest): string | undefined {
    const log = this.#tracks.get(vertex)?.log;
    return log === undefined || this.#id === undefined ? undefined : join(this.#directory(), log);
  }

  reached(vertex: Vertex, [base]: readonly VertexResult[]): void {
    const track = this.#tracks.get(vertex.digest);
    if (track !== undefined && base?.kind === "image") track.base = base;
  }

  made(vertex: VertexDigest, result: VertexResult): void {
    const track = this.#tracks.get(vertex);
    if (track !== undefined && result.kind === "image") track.result = result;
  }

  described({ digest, op }: Vertex & { readonly op: RunOp }, inputs: RunInputs): void {
    const track = this.#tracks.get(digest);
    if (track !== undefined) track.run = { op, inputs };
  }

  failedDirectory(vertex: VertexDigest, variant: string): string | undefined {
    const track = this.#tracks.get(vertex);
    if (track === undefined || this.#id === undefined || this.#isOff) return undefined;
    const directory = this.#store.builds.rootOf(this.#id, track.number);
    if (!this.#keepsRoots) {
      this.#attempt(() => this.#store.builds.expectFailure(this.#id ?? ""));
      this.#keepsRoots = true;
    }
    track.failed = { directory, variant };
    return directory;
  }

  ended(vertex: VertexDigest, { exitCode }: RunResult): void {
    const track = this.#tracks.get(vertex);
    if (track !== undefined) track.exitCode = exitCode;
  }

  /** The build is done. */
  async succeeded(): Promise<void> {
    if (this.#id !== undefined) await this.#finish({ outcome: "succeeded" });
  }

  /**
   * The build has failed.
   *
   * @returns The error, with where to look; the same where there is nothing to see.
   */
  async failed(error: unknown): Promise<unknown> {
    const isOurs = error instanceof LayerwrightError;
    if (isOurs && error.code === "BUILD_CANCELLED") {
      if (this.#id !== undefined) await this.#finish({ outcome: "cancelled" });
      return error;
    }
    const step = this.#failed;
    const base = step?.run?.inputs ?? step?.base;
    if (this.#id === undefined && (base?.layers ?? []).length === 0) return error;
    this.#attempt(() => this.#begin());
    const message = error instanceof Error ? error.message : String(error);
    // Where nothing can run a program, nobody can look around.
    const isBlind = isOurs && error.code === "RUNTIME_MISSING";
    const failure = isBlind || this.#id === undefined
      ? undefined
      : await keepFailure(this.#parts.bench(), this.#id, {
        tracks: [...this.#tracks.values()],
        step,
        warn: (cause) => this.#warn(cause),
      });
    await this.#finish({
      outcome: "failed",
      failure: {
        ...isOurs ? { code: error.code } : {},
        message,
        ...step === undefined ? {} : { step: step.number },
      },
      ...failure === undefined ? {} : { kept: failure.kept },
    });
    if (!isOurs || this.#id === undefined || this.#isOff) return error;
    const log = step === undefined ? undefined : this.logOf(step.vertex);
    const { code, at, details, hint, cause } = error;
    return new LayerwrightError(code, message, {
      ...{ at, hint, cause, build: this.#id },
      details: [
        ...details,
        ...log === undefined || !isWorthReading(log, step) ? [] : [`full log: ${log}`],
        ...failure?.lastGood === undefined ? [] : [`last good image: ${failure.lastGood}`],
        ...failure === undefined
          ? []
          : [`to look around where it failed: layerwright shell ${this.#id}`],
      ],
    });
  }

  /** Another attempt is made: this one did not happen. */
  discard(): void {
    const id = this.#id;
    this.#isOff = true;
    if (id !== undefined) this.#attemptAnyway(() => void this.#store.builds.forget(id));
  }

  get #store(): Workbench["store"] {
    return this.#parts.bench().store;
  }

  #directory(): string {
    return this.#store.builds.directory(this.#id ?? "");
  }

  #runs({ vertex }: StepTrack): boolean {
    return this.#parts.graph.vertices.get(vertex)?.op.type === "run";
  }

  #begin(): void {
    if (this.#id !== undefined) return;
    const id = this.#store.builds.create(this.#startedMs);
    this.#id = id;
    this.#store.builds.write(this.#record(id, { outcome: "running" }));
  }

  #append(track: StepTrack, bytes: Uint8Array): void {
    if (this.#id === undefined) return;
    track.log ??= `logs/${track.number}.log`;
    track.logFd ??= openSync(join(this.#directory(), track.log), "a", 0o600);
    writeFully(track.logFd, bytes);
  }

  #end(track: StepTrack, outcome: StepOutcome, timeMs: number): void {
    track.outcome = outcome;
    track.endedMs = timeMs;
    // That a program printed nothing before it failed is worth a file, too.
    if (outcome === "failed" && this.#runs(track)) this.#append(track, new Uint8Array(0));
    if (track.logFd !== undefined) closeSync(track.logFd);
    delete track.logFd;
  }

  async #finish(closing: Closing): Promise<void> {
    const id = this.#id;
    if (id === undefined || this.#isOff) return;
    this.#attempt(() => {
      const { builds } = this.#store;
      if (closing.kept === undefined) builds.expectNoFailure(id);
      else builds.expectFailure(id);
      builds.write({ ...this.#record(id, closing), endedMs: Date.now() });
    });
    try {
      await removeTrees(this.#store, this.#parts.executors, this.#store.builds.trim(Date.now()));
    } catch (error) {
      this.#warn(error);
    }
  }

  #record(id: string, closing: Closing): BuildRecord {
    const { graph } = this.#parts;
    const { steps, layers } = recordSteps(this.#tracks.values(), graph, this.#parts.bench());
    const recipe = [...graph.metadata.values()].find(({ at }) => at !== undefined)?.at?.file;
    return {
      version: 1,
      id,
      startedMs: this.#startedMs,
      holder: processToken(),
      image: graph.targets[0]?.name ?? "",
      ...recipe === undefined ? {} : { recipe },
      ...closing,
      steps,
      layers,
    };
  }

  #attempt(work: () => void): void {
    if (!this.#isOff) this.#attemptAnyway(work);
  }

  #attemptAnyway(work: () => void): void {
    try {
      work();
    } catch (error) {
      // Once is enough.
      if (!this.#isOff) this.#warn(error);
      this.#isOff = true;
    }
  }

  #warn(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#parts.bench().report({
      type: "warning",
      text: `the record of this build is incomplete: ${why}`,
    });
  }
}

/** A step that never started has printed nothing, either. */
function isWorthReading(log: string, step: StepTrack | undefined): boolean {
  return step?.exitCode !== undefined || (statSync(log, { throwIfNoEntry: false })?.size ?? 0) > 0;
}
