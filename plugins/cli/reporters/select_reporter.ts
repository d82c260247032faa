/**
 * Which display a build gets.
 *
 * @module
 */
import {
  LayerwrightError,
  nearestName,
  type ProgressEvent,
  type ProgressReporter,
} from "../../../core/mod.ts";
import type { ReadSource } from "./failure_report.ts";
import type { TextSink } from "./text_sink.ts";

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const COLORS: string = "./colors.ts";
const PLAIN: string = "./plain.ts";
const QUIET: string = "./quiet.ts";
const RAW_JSON: string = "./raw_json.ts";
const TTY: string = "./tty.ts";

/** The displays, as `--progress` and `BUILDKIT_PROGRESS` name them. */
export const progressModes = ["auto", "plain", "tty", "rawjson", "quiet", "none"] as const;

/** The name of a display. */
export type ProgressMode = (typeof progressModes)[number];

/** What the choice of a display depends on. */
export interface ReporterSurroundings {
  readonly sink: TextSink;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly readSource: ReadSource;
}

const LOG_LINES = 6;
const TICK_MS = 150;
/** The length to which BuildKit cuts names when `PROGRESS_NO_TRUNC` is 0. */
const NAME_LIMIT = 72;

/**
 * Reads the name of a display: the option's, else `BUILDKIT_PROGRESS`, else `auto`.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` for a name that is none, listing those that are.
 */
export function parseProgressMode(
  option: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): ProgressMode {
  const name = option ?? (environment.BUILDKIT_PROGRESS || "auto");
  const mode = progressModes.find((known) => known === name);
  if (mode !== undefined) return mode;
  const where = option === undefined ? "BUILDKIT_PROGRESS=" : "--progress=";
  const nearest = nearestName(name, progressModes);
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot show progress: unknown display in ${JSON.stringify(where + name)}` +
      (nearest === undefined ? "" : `, did you mean "${nearest}"?`),
    { hint: `use one of ${progressModes.join(", ")}` },
  );
}

/** Shows nothing, ever. */
const silentReporter: ProgressReporter = { event(): void {}, close(): void {} };

/**
 * Loads a display and makes its reporter. `auto` is `tty` where standard error is a terminal that can move its cursor and no
 * `CI` is set, else `plain`.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` for `tty` without a terminal.
 */
export async function selectReporter(
  mode: ProgressMode,
  surroundings: ReporterSurroundings,
): Promise<ProgressReporter> {
  const { sink, environment, readSource } = surroundings;
  switch (mode) {
    case "auto": {
      const isLive = sink.isTty && !environment.CI && environment.TERM !== "dumb";
      return await selectReporter(isLive ? "tty" : "plain", surroundings);
    }
    case "plain": {
      const nameLimit = environment.PROGRESS_NO_TRUNC === "0" ? NAME_LIMIT : undefined;
      const { PlainReporter }: typeof import("./plain.ts") = await import(PLAIN);
      return new TickingReporter(new PlainReporter(sink, { readSource, nameLimit }));
    }
    case "tty": {
      if (!sink.isTty) {
        throw new LayerwrightError(
          "OPTION_INVALID",
          'Cannot show progress as "tty": standard error is not a terminal',
          { hint: 'use "plain", or "auto" to choose by itself' },
        );
      }
      const lines = Number(environment.BUILDKIT_TTY_LOG_LINES ?? "");
      const logLines = Number.isSafeInteger(lines) && lines > 0 ? lines : LOG_LINES;
      const { colorsOf }: typeof import("./colors.ts") = await import(COLORS);
      const { TtyReporter }: typeof import("./tty.ts") = await import(TTY);
      return new TickingReporter(
        new TtyReporter(sink, { readSource, colors: colorsOf(environment), logLines }),
      );
    }
    case "rawjson": {
      const { RawJsonReporter }: typeof import("./raw_json.ts") = await import(RAW_JSON);
      return new RawJsonReporter(sink);
    }
    case "quiet": {
      const { QuietReporter }: typeof import("./quiet.ts") = await import(QUIET);
      return new QuietReporter(sink, readSource);
    }
    case "none":
      return silentReporter;
  }
}

/** Refreshes a display between events, on the wall clock. */
class TickingReporter implements ProgressReporter {
  readonly #reporter: ProgressReporter & { refresh(timeMs: number): void };
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(reporter: ProgressReporter & { refresh(timeMs: number): void }) {
    this.#reporter = reporter;
  }

  event(event: ProgressEvent): void {
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#reporter.refresh(Date.now()), TICK_MS);
      // A display must not keep a process alive.
      if (typeof this.#timer === "object") this.#timer.unref();
    }
    this.#reporter.event(event);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#reporter.close();
  }
}
