/** A build, with all that its steps wrote and all that it told. */
import { type BuildOptions, type BuildTarget, LayerwrightError } from "../../mod.ts";
import type { BuildResult, ProgressEvent } from "../../mod.ts";
import type { TempEngine } from "./temp_engine.ts";

/** How a build went. */
export interface RecordedBuild {
  /** Absent when it failed. */
  readonly result?: BuildResult;
  /** What it failed with, as a terminal shows it. */
  readonly error: string;
  readonly code?: string;
  /** Both streams of all steps. */
  readonly output: string;
  /** Every event as JSON, the bytes of logs as text. */
  readonly events: string;
  readonly warnings: readonly string[];
}

/** Builds; a failure is a result, too. */
export async function recordBuild(
  lw: TempEngine,
  target: BuildTarget,
  options: BuildOptions = {},
): Promise<RecordedBuild> {
  const pieces: Uint8Array[] = [];
  const events: ProgressEvent[] = [];
  const progress = {
    event(event: ProgressEvent): void {
      events.push(event);
      if (event.type === "log") pieces.push(event.bytes);
    },
    close: (): void => {},
  };
  let failure: unknown;
  let result: BuildResult | undefined;
  try {
    result = await lw.build(target, { ...options, progress });
  } catch (error) {
    failure = error;
  }
  if (failure !== undefined && !(failure instanceof LayerwrightError)) throw failure;
  const readable = events.map((event) =>
    event.type === "log" ? { ...event, bytes: Buffer.from(event.bytes).toString("latin1") } : event
  );
  return {
    ...result === undefined ? {} : { result },
    error: failure?.format() ?? "",
    ...failure === undefined ? {} : { code: failure.code },
    output: Buffer.concat(pieces).toString("latin1"),
    events: JSON.stringify(readable),
    warnings: events.flatMap((event) => event.type === "warning" ? [event.text] : []),
  };
}
