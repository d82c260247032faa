/**
 * Progress for programs: one JSON object a line, as BuildKit's `--progress=rawjson`, so that what reads one
 * reads the other. What BuildKit has no word for (why a step missed the cache) is a property of its own, which
 * readers of BuildKit's form skip.
 *
 * @see BuildKit, client/graph.go, `SolveStatus`
 * @module
 */
import type {
  ProgressEvent,
  ProgressReporter,
  ProgressVertex,
  VertexDigest,
} from "../../../core/mod.ts";
import type { TextSink } from "./text_sink.ts";

/** Go's `context.Canceled`: readers tell a cancelled vertex by this end of its error. */
const CANCELLED = "context canceled";
const STREAM_NUMBERS = { stdout: 1, stderr: 2 };

/** A vertex as it was last written. */
interface RawVertex {
  readonly digest: VertexDigest;
  readonly inputs?: readonly VertexDigest[];
  readonly name: string;
  readonly started?: string;
  readonly completed?: string;
  readonly cached?: true;
  readonly error?: string;
}

/** Writes each event at once, as a line of JSON. */
export class RawJsonReporter implements ProgressReporter {
  readonly #sink: TextSink;
  readonly #vertices = new Map<VertexDigest, RawVertex>();
  readonly #statusStarts = new Map<string, string>();

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  event(event: ProgressEvent): void {
    const status = this.#solveStatus(event);
    if (status !== undefined) this.#sink.write(`${JSON.stringify(status)}\n`);
  }

  close(): void {}

  #solveStatus(event: ProgressEvent): object | undefined {
    switch (event.type) {
      case "plan":
        return { vertexes: event.vertices.map((vertex) => this.#update(rawVertex(vertex), {})) };
      case "started":
        return this.#vertex(event.vertex, { started: goTime(event.timeMs) });
      case "cached":
        return this.#vertex(event.vertex, {
          started: goTime(event.timeMs),
          completed: goTime(event.timeMs),
          cached: true,
        });
      case "completed":
        return this.#vertex(event.vertex, { completed: goTime(event.timeMs) });
      case "failed": {
        const { cancelled, error } = event;
        return this.#vertex(event.vertex, {
          completed: goTime(event.timeMs),
          error: cancelled && !error.endsWith(CANCELLED) ? `${error}: ${CANCELLED}` : error,
        });
      }
      case "missed":
        return { misses: [{ vertex: event.vertex, reason: event.reason.text }] };
      case "log":
        return {
          logs: [{
            vertex: event.vertex,
            stream: STREAM_NUMBERS[event.stream],
            data: Buffer.from(event.bytes).toString("base64"),
            timestamp: goTime(event.timeMs),
          }],
        };
      case "warning":
        return {
          warnings: [{
            ...event.vertex === undefined ? {} : { vertex: event.vertex },
            level: 1,
            short: Buffer.from(event.text).toString("base64"),
          }],
        };
      case "status":
        return { statuses: [this.#status(event)] };
    }
  }

  #vertex(digest: VertexDigest, change: Partial<RawVertex>): object | undefined {
    const vertex = this.#vertices.get(digest);
    return vertex === undefined ? undefined : { vertexes: [this.#update(vertex, change)] };
  }

  #update(vertex: RawVertex, change: Partial<RawVertex>): RawVertex {
    const updated = { ...vertex, ...change };
    this.#vertices.set(updated.digest, updated);
    return updated;
  }

  #status(event: Extract<ProgressEvent, { type: "status" }>): object {
    const timestamp = goTime(event.timeMs);
    const key = `${event.vertex} ${event.id}`;
    const started = this.#statusStarts.get(key) ?? timestamp;
    this.#statusStarts.set(key, started);
    return {
      id: event.id,
      vertex: event.vertex,
      ...event.total === undefined ? {} : { total: event.total },
      current: event.current,
      timestamp,
      started,
      ...event.done ? { completed: timestamp } : {},
    };
  }
}

function rawVertex(vertex: ProgressVertex): RawVertex {
  const { digest, inputs, name } = vertex;
  return inputs.length === 0 ? { digest, name } : { digest, inputs, name };
}

/** A time as Go writes it in JSON (RFC 3339): the fraction without its trailing zeros, none for whole seconds. */
function goTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.?0*Z$/, "Z");
}
