/**
 * The display that shows nothing but a failure.
 *
 * @module
 */
import type { ProgressEvent, ProgressReporter } from "../../../core/mod.ts";
import { BuildTrace } from "./build_trace.ts";
import { failureReport, type ReadSource } from "./failure_report.ts";
import type { TextSink } from "./text_sink.ts";

/** Shows nothing but, at the end, what failed: a quiet build that fails must still say why. */
export class QuietReporter implements ProgressReporter {
  readonly #sink: TextSink;
  readonly #readSource: ReadSource;
  readonly #trace = new BuildTrace();

  constructor(sink: TextSink, readSource: ReadSource) {
    this.#sink = sink;
    this.#readSource = readSource;
  }

  event(event: ProgressEvent): void {
    this.#trace.apply(event);
  }

  close(): void {
    const readSource = this.#readSource;
    const report = failureReport(this.#trace.shown, { readSource, clean: (line) => line });
    if (report !== "") this.#sink.write(report);
  }
}
