/**
 * What is shown again at the end of a build that failed: the last lines of each failed step, and the place in
 * the user's file that made it.
 *
 * @module
 */
import type { SourceLocation } from "../../../core/mod.ts";
import type { Step } from "./build_trace.ts";

/** Reads a source file for the excerpt; undefined where it cannot be read. */
export type ReadSource = (file: string) => string | undefined;

/** How a report turns raw text into what is written. */
export interface FailureReportOptions {
  readonly readSource: ReadSource;
  /** Applied to each line of output and source; the terminal display makes them harmless here. */
  readonly clean: (line: string) => string;
}

/** A bundled recipe can be one line of a megabyte: an excerpt shows its beginning. */
const SOURCE_LINE_LIMIT = 300;
const LINES_AROUND = 2;

/**
 * The report on all failed steps, in BuildKit's form; empty when none failed. The error says where all of the output is.
 * Cancelled steps are not failures: they only followed one.
 */
export function failureReport(steps: Iterable<Step>, options: FailureReportOptions): string {
  let text = "";
  for (const step of steps) {
    if (step.outcome !== "failed") continue;
    const lines = step.log.tail.map((line) => `${line.time} ${options.clean(line.text)}\n`);
    text += `------\n > ${options.clean(step.name)}:\n${lines.join("")}------\n`;
    const { at } = step.vertex;
    if (at !== undefined) text += sourceExcerpt(at, options);
  }
  return text;
}

/** The user's line with two lines around it, marked `>>>`; empty where the file cannot be read. */
export function sourceExcerpt(at: SourceLocation, options: FailureReportOptions): string {
  const lines = options.readSource(at.file)?.split("\n");
  if (lines === undefined || at.line < 1 || at.line > lines.length) return "";
  const rule = "-".repeat(20);
  let text = `${options.clean(at.file)}:${at.line}\n${rule}\n`;
  const end = Math.min(lines.length, at.line + LINES_AROUND);
  for (let number = Math.max(1, at.line - LINES_AROUND); number <= end; number += 1) {
    const line = (lines[number - 1] ?? "").replace(/\r$/, "").slice(0, SOURCE_LINE_LIMIT);
    const mark = number === at.line ? ">>>" : "   ";
    text += ` ${String(number).padStart(3)} | ${mark} ${options.clean(line)}\n`;
  }
  return `${text}${rule}\n`;
}
