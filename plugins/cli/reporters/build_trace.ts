/**
 * The state of a build, put together from its events: what both displays for people draw from.
 *
 * @module
 */
import type { ProgressEvent, ProgressVertex, VertexDigest } from "../../../core/mod.ts";
import { oneLine } from "./display_text.ts";
import { type LogLine, LogLines } from "./log_lines.ts";

/** A part of a step that reports how far it is. */
export interface StepStatus {
  readonly id: string;
  readonly startedMs: number;
  current: number;
  total: number | undefined;
  timeMs: number;
  done: boolean;
}

/** One vertex as it stands. */
export interface Step {
  readonly vertex: ProgressVertex;
  /** The vertex's name on one line. */
  readonly name: string;
  outcome: "waiting" | "running" | "done" | "cached" | "failed" | "cancelled";
  startedMs: number | undefined;
  endedMs: number | undefined;
  error: string;
  /** The file with all of its output, where one is kept. */
  readonly misses: string[];
  readonly warnings: string[];
  readonly statuses: Map<string, StepStatus>;
  readonly log: LogLines;
}

/** What one event changed. */
export interface TraceChange {
  readonly step: Step;
  /** Lines of output that the event completed. */
  readonly lines: readonly LogLine[];
  /** The part of the step that the event was about. */
  readonly status: StepStatus | undefined;
}

/** The steps of a build and the latest time heard of. */
export class BuildTrace {
  readonly #steps = new Map<VertexDigest, Step>();
  readonly #shown: Step[] = [];
  readonly #warnings: string[] = [];
  #firstMs: number | undefined;
  #nowMs = 0;

  /** Takes one event; returns what it changed, or undefined where no step did. */
  apply(event: ProgressEvent): TraceChange | undefined {
    if ("timeMs" in event) this.advance(event.timeMs);
    if (event.type === "plan") {
      for (const vertex of event.vertices) {
        if (!this.#steps.has(vertex.digest)) this.#steps.set(vertex.digest, newStep(vertex));
      }
      return undefined;
    }
    const step = event.vertex === undefined ? undefined : this.#steps.get(event.vertex);
    if (step === undefined) {
      if (event.type === "warning") this.#warnings.push(oneLine(event.text));
      return undefined;
    }
    const status = event.type === "status" ? updateStatus(step, event) : undefined;
    return { step, lines: this.#change(step, event), status };
  }

  /** Moves the clock, for what is drawn between events. */
  advance(timeMs: number): void {
    this.#firstMs ??= timeMs;
    this.#nowMs = Math.max(this.#nowMs, timeMs);
  }

  /** The steps that started (or were found done), in that order. */
  get shown(): readonly Step[] {
    return this.#shown;
  }

  /** Warnings that belong to no step. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** The latest time heard of, in milliseconds since the epoch. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Milliseconds since the first event that had a time. */
  get elapsedMs(): number {
    return this.#nowMs - (this.#firstMs ?? this.#nowMs);
  }

  /** How many steps there may be, and how many are over. */
  counts(): { readonly total: number; readonly ended: number } {
    let ended = 0;
    for (const step of this.#steps.values()) if (step.endedMs !== undefined) ended += 1;
    return { total: this.#steps.size, ended };
  }

  #change(step: Step, event: Exclude<ProgressEvent, { type: "plan" }>): readonly LogLine[] {
    switch (event.type) {
      case "started":
        step.outcome = "running";
        this.#show(step, event.timeMs);
        return [];
      case "cached":
        return this.#end(step, "cached", event.timeMs);
      case "completed":
        return this.#end(step, "done", event.timeMs);
      case "failed":
        step.error = oneLine(event.error);
        return this.#end(step, event.cancelled ? "cancelled" : "failed", event.timeMs);
      case "missed": {
        const { at } = step.vertex;
        const place = at === undefined ? "" : ` (${at.file}:${at.line})`;
        step.misses.push(oneLine(event.reason.text + place));
        return [];
      }
      case "warning":
        step.warnings.push(oneLine(event.text));
        return [];
      case "log":
        return step.log.push(
          event.stream,
          event.bytes,
          event.timeMs - (step.startedMs ?? event.timeMs),
        );
      case "status":
        return [];
    }
  }

  #show(step: Step, timeMs: number): void {
    if (step.startedMs === undefined) this.#shown.push(step);
    step.startedMs ??= timeMs;
  }

  #end(step: Step, outcome: Step["outcome"], timeMs: number): readonly LogLine[] {
    // A step that was cancelled while it waited has nothing to show.
    if (outcome !== "cancelled" || step.startedMs !== undefined) this.#show(step, timeMs);
    step.outcome = outcome;
    step.endedMs = timeMs;
    return step.log.end(timeMs - (step.startedMs ?? timeMs));
  }
}

function updateStatus(step: Step, event: Extract<ProgressEvent, { type: "status" }>): StepStatus {
  const id = oneLine(event.id);
  const status = step.statuses.get(id) ??
    { id, startedMs: event.timeMs, current: 0, total: undefined, timeMs: 0, done: false };
  step.statuses.set(id, status);
  const { current, total, timeMs, done } = event;
  return Object.assign(status, { current, total, timeMs, done });
}

function newStep(vertex: ProgressVertex): Step {
  return {
    vertex,
    name: oneLine(vertex.name),
    outcome: "waiting",
    startedMs: undefined,
    endedMs: undefined,
    error: "",
    misses: [],
    warnings: [],
    statuses: new Map(),
    log: new LogLines(),
  };
}
