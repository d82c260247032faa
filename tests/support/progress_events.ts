/** Progress events written short: steps by name, times in milliseconds. */
import type { SourceLocation } from "../../core/errors.ts";
import type { VertexDigest } from "../../core/graph/vertex.ts";
import { sha256 } from "../../core/oci/digest.ts";
import type { ProgressEvent, ProgressReporter } from "../../core/solve/progress.ts";

export function digestOf(name: string): VertexDigest {
  return sha256<VertexDigest>(name);
}

export function plan(...names: readonly string[]): ProgressEvent {
  return {
    type: "plan",
    vertices: names.map((name) => ({ digest: digestOf(name), inputs: [], name })),
  };
}

export function planAt(name: string, at: SourceLocation): ProgressEvent {
  return { type: "plan", vertices: [{ digest: digestOf(name), inputs: [], name, at }] };
}

export function started(name: string, timeMs: number): ProgressEvent {
  return { type: "started", vertex: digestOf(name), timeMs };
}

export function cached(name: string, timeMs: number): ProgressEvent {
  return { type: "cached", vertex: digestOf(name), timeMs };
}

export function completed(name: string, timeMs: number): ProgressEvent {
  return { type: "completed", vertex: digestOf(name), timeMs };
}

export function missed(name: string, text: string): ProgressEvent {
  return { type: "missed", vertex: digestOf(name), reason: { text } };
}

export function failed(
  name: string,
  timeMs: number,
  error: string,
  cancelled = false,
): ProgressEvent {
  return { type: "failed", vertex: digestOf(name), timeMs, error, cancelled };
}

export function log(
  name: string,
  timeMs: number,
  text: string | Uint8Array,
  stream: "stdout" | "stderr" = "stdout",
): ProgressEvent {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return { type: "log", vertex: digestOf(name), stream, bytes, timeMs };
}

export function status(
  name: string,
  timeMs: number,
  part: {
    readonly id: string;
    readonly current: number;
    readonly total?: number;
    readonly done?: boolean;
  },
): ProgressEvent {
  return { type: "status", vertex: digestOf(name), timeMs, done: false, ...part };
}

/** Feeds events to a reporter and closes it. */
export function replay(reporter: ProgressReporter, events: readonly ProgressEvent[]): void {
  for (const event of events) reporter.event(event);
  reporter.close();
}
