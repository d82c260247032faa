/**
 * The live display of a terminal: a picture of the build, drawn over the one before.
 *
 * @module
 */
import type { ProgressEvent, ProgressReporter } from "../../../core/mod.ts";
import { BuildTrace } from "./build_trace.ts";
import type { Colors } from "./colors.ts";
import { displayText, textWidth } from "./display_text.ts";
import { failureReport, type ReadSource } from "./failure_report.ts";
import { drawFrame } from "./frame.ts";
import type { TextSink } from "./text_sink.ts";

/** Settings of {@link TtyReporter}. */
export interface TtyOptions {
  readonly readSource: ReadSource;
  readonly colors: Colors;
  /** Most lines of output shown under a running step. */
  readonly logLines: number;
}

/** Pictures are at least this far apart; a step that prints fast must not spend its time on us. */
const REDRAW_INTERVAL_MS = 100;
const ESCAPE = "\u001b[";
const SGR = new RegExp("\u001b\\[[0-9;]*m", "g");

/** Draws a build's progress on a terminal; at the end the whole of it stays, with what failed beneath. */
export class TtyReporter implements ProgressReporter {
  readonly #sink: TextSink;
  readonly #options: TtyOptions;
  readonly #trace = new BuildTrace();
  /** The widths of the lines now on the screen. */
  #drawn: number[] = [];
  #drawnMs: number | undefined;

  constructor(sink: TextSink, options: TtyOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  event(event: ProgressEvent): void {
    this.#trace.apply(event);
    this.#redraw();
  }

  /** Draws again while nothing happens, so that the seconds go on; to be called now and then. */
  refresh(timeMs: number): void {
    if (this.#drawnMs === undefined) return;
    this.#trace.advance(timeMs);
    this.#redraw();
  }

  close(): void {
    const { columns } = this.#size();
    if (this.#trace.shown.length > 0) {
      this.#draw(drawFrame(this.#trace, { ...this.#options, columns }));
    }
    const { readSource } = this.#options;
    const warnings = this.#trace.warnings.map((text) => `WARNING: ${displayText(text)}\n`);
    const report = failureReport(this.#trace.shown, { readSource, clean: displayText });
    const text = warnings.join("") + report;
    if (text !== "") this.#sink.write(text);
  }

  #redraw(): void {
    const { nowMs } = this.#trace;
    if (this.#trace.shown.length === 0) return;
    if (this.#drawnMs !== undefined && nowMs - this.#drawnMs < REDRAW_INTERVAL_MS) return;
    this.#drawnMs = nowMs;
    this.#draw(drawFrame(this.#trace, { ...this.#options, ...this.#size() }));
  }

  /** Writes a picture over the last one, in one piece and with the cursor back at its end: we may be killed. */
  #draw(lines: readonly string[]): void {
    const { columns } = this.#size();
    // A terminal that became narrower has wrapped the lines on it.
    const up = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    const home = up === 0 ? "\r" : `${ESCAPE}${up}A\r`;
    const body = lines.map((line) => `${line}${ESCAPE}K\n`).join("");
    this.#sink.write(`${ESCAPE}?25l${home}${body}${ESCAPE}J${ESCAPE}?25h`);
    this.#drawn = lines.map((line) => textWidth(line.replace(SGR, "")));
  }

  /** Some pseudo terminals have no size, or say that it is 0. */
  #size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#sink.columns() || 80, rows: this.#sink.rows() || 24 };
  }
}
