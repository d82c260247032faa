/**
 * One picture of a build on a terminal, in BuildKit's look: a heading, a row for each step, what it is doing
 * beneath it.
 *
 * @module
 */
import type { BuildTrace, Step } from "./build_trace.ts";
import { type Colors, paint } from "./colors.ts";
import { displayText, fitText, textWidth } from "./display_text.ts";
import { amountText, secondsText } from "./go_number.ts";

/** What a picture has to fit into; `rows` absent means all there is to say, however long. */
export interface FrameOptions {
  readonly columns: number;
  readonly rows?: number;
  readonly colors: Colors;
  /** Most lines of output shown under a running step. */
  readonly logLines: number;
}

/** One line of a picture before it is fitted. */
interface Row {
  readonly text: string;
  readonly elapsedMs: number | undefined;
  readonly color: string;
  /** Belongs to what is still going on: shown before all else where there is not room for everything. */
  readonly open: boolean;
}

/** Draws a build: lines at most `columns - 1` wide (a full one would wrap on some terminals). */
export function drawFrame(trace: BuildTrace, options: FrameOptions): string[] {
  const { total, ended } = trace.counts();
  const isFinal = options.rows === undefined;
  const state = isFinal && total > 0 && ended === total ? " FINISHED" : "";
  const heading = `[+] Building ${secondsText(trace.elapsedMs)} (${ended}/${total})${state}`;
  const rows = chooseRows(trace, options);
  return [
    fitText(heading, options.columns - 1),
    ...rows.map((row) => drawRow(row, options.columns)),
  ];
}

function chooseRows(trace: BuildTrace, options: FrameOptions): Row[] {
  const groups = trace.shown.map((step) => ({
    step,
    rows: stepRows(step, trace.nowMs, options.colors),
  }));
  if (options.rows === undefined) return groups.flatMap(({ rows }) => rows);
  // The heading, and the line where the cursor comes to rest.
  const room = Math.max(0, options.rows - 2);
  const open = groups.flatMap(({ rows }) => rows.filter((row) => row.open));
  const kept = new Set(open.slice(Math.max(0, open.length - room)));
  const logs = logRows(groups.map(({ step }) => step), room - kept.size, options);
  let free = room - kept.size - [...logs.values()].reduce((sum, rows) => sum + rows.length, 0);
  // What is over fills the rest, latest first.
  for (const row of groups.flatMap(({ rows }) => rows).reverse()) {
    if (free > 0 && !row.open) {
      kept.add(row);
      free -= 1;
    }
  }
  return groups.flatMap(({ step, rows }) => [
    ...rows.filter((row) => kept.has(row)),
    ...logs.get(step) ?? [],
  ]);
}

/** The last lines of output of running steps, the room shared evenly; steps of which no line fits have none. */
function logRows(
  steps: readonly Step[],
  room: number,
  options: FrameOptions,
): Map<Step, readonly Row[]> {
  const talking = steps.filter((step) => step.outcome === "running" && step.log.tail.length > 0);
  const each = Math.min(options.logLines, Math.floor(room / Math.max(1, talking.length)));
  return new Map(
    each <= 0 ? [] : talking.map((step) => [
      step,
      step.log.tail.slice(-each).map(({ text }): Row => ({
        text: ` => => # ${displayText(text)}`,
        elapsedMs: undefined,
        color: options.colors.faint,
        open: true,
      })),
    ]),
  );
}

const PREFIXES: Readonly<Partial<Record<Step["outcome"], string>>> = {
  cached: "CACHED ",
  cancelled: "CANCELED ",
  failed: "ERROR ",
};

function stepRows(step: Step, nowMs: number, colors: Colors): Row[] {
  const open = step.outcome === "running";
  const started = step.startedMs ?? nowMs;
  const color = step.outcome === "failed"
    ? colors.error
    : step.outcome === "cancelled"
    ? colors.cancel
    : open
    ? ""
    : colors.run;
  const note = (text: string, color: string): Row => ({
    text: ` => => ${displayText(text)}`,
    elapsedMs: undefined,
    color,
    open: false,
  });
  return [
    {
      text: ` => ${PREFIXES[step.outcome] ?? ""}${displayText(step.name)}`,
      elapsedMs: (step.endedMs ?? nowMs) - started,
      color,
      open,
    },
    ...step.misses.map((text) => note(`MISS: ${text}`, colors.faint)),
    ...[...step.statuses.values()].map((status): Row => {
      const amount = amountText(status.current, status.total);
      const done = status.done || !open;
      return {
        text: ` => => ${displayText(status.id)}${amount === "" ? "" : ` ${amount}`}`,
        elapsedMs: (done ? status.timeMs : nowMs) - status.startedMs,
        color: done ? colors.run : "",
        open: !done,
      };
    }),
    ...step.warnings.map((text) => note(`WARN: ${text}`, colors.warning)),
  ];
}

function drawRow(row: Row, columns: number): string {
  const width = columns - 1;
  if (row.elapsedMs === undefined) return paint(fitText(row.text, width), row.color);
  const timer = ` ${secondsText(row.elapsedMs)}`;
  const text = fitText(row.text, Math.max(0, width - timer.length));
  const gap = " ".repeat(Math.max(0, width - timer.length - textWidth(text)));
  return paint(fitText(`${text}${gap}${timer}`, width), row.color);
}
