/**
 * The tables that are printed.
 *
 * @module
 */
import { median, type Sample } from "./measure.ts";
import type { Row } from "./series.ts";
import { type Reached, type TargetResult, wallSeconds } from "./targets.ts";
import { BUN_TOOL, DENO_TOOL } from "./tools.ts";

/** A table of Markdown: the first column is text, the others are numbers. */
export function markdownTable(
  heads: readonly string[],
  cells: readonly (readonly string[])[],
  textColumns = 1,
): string {
  // A pipe would end the cell.
  const lines = cells.map((line) => line.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = heads.map((head, column) =>
    Math.max(3, head.length, ...lines.map((line) => (line[column] ?? "").length))
  );
  const row = (line: readonly string[]): string =>
    `| ${
      line.map((cell, column) =>
        column < textColumns ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
      ).join(" | ")
    } |`;
  const rule = widths.map((width, column) =>
    column < textColumns ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
  );
  return [row(heads), row(rule), ...lines.map(row)].join("\n");
}

/** All rows of one workload and measure, with ratios of ours to each. */
export function rowsTable(rows: readonly Row[]): string {
  const wallOf = (tool: string): number => {
    const row = rows.find((candidate) => candidate.tool === tool);
    return row === undefined ? NaN : wallSeconds(row);
  };
  const [bun, deno] = [wallOf(BUN_TOOL), wallOf(DENO_TOOL)];
  return markdownTable(
    ["tool", "wall s", "min", "max", "CPU s", "RSS MiB", "foreign", "n", "Bun ÷ it", "Deno ÷ it"],
    rows.map((row) => {
      const wall = wallSeconds(row);
      const walls = row.samples.map((sample) => sample.wallSeconds);
      return [
        row.tool,
        seconds(wall),
        seconds(walls.length === 0 ? NaN : Math.min(...walls)),
        seconds(walls.length === 0 ? NaN : Math.max(...walls)),
        seconds(middle(row, (sample) => sample.cpuSeconds)),
        shown(middle(row, (sample) => sample.peakRssBytes) / 2 ** 20, 0),
        shown(middle(row, (sample) => sample.foreignProcessors), 1),
        String(row.samples.length),
        shown(bun / wall, 2),
        shown(deno / wall, 2),
      ];
    }),
  );
}

function middle(row: Row, of: (sample: Sample) => number | undefined): number {
  return median(row.samples.map((sample) => of(sample) ?? NaN));
}

function seconds(value: number): string {
  return shown(value, value < 1 ? 3 : 2);
}

/** A number, or a dash for what was not measured. */
export function shown(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "–";
}

/** The targets, each with what was reached. */
export function targetsTable(results: readonly TargetResult[]): string {
  const limit = (result: TargetResult, { target }: Reached): string =>
    `${result.atLeast ? "≥" : "≤"} ${target}`;
  const value = ({ value }: Reached): string =>
    value === undefined ? "–" : shown(value, value < 10 ? 3 : 0);
  const verdict = ({ met }: Reached): string =>
    met === undefined ? "not measured" : met ? "met" : "not met";
  return markdownTable(
    ["#", "measure", "target Bun", "Bun", "", "target Deno", "Deno", ""],
    results.map((result) => [
      result.id,
      result.text,
      limit(result, result.bun),
      value(result.bun),
      verdict(result.bun),
      limit(result, result.deno),
      value(result.deno),
      verdict(result.deno),
    ]),
    2,
  );
}
