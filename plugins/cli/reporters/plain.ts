/**
 * The log that pipes and CI get: BuildKit's plain format, byte for byte, since people scrape it.
 *
 * One step at a time owns the output. Others wait until it ends, until they have been hidden for ten seconds, or
 * until it had more than its fair share; changing over is announced (`#3 ...`, a blank line, the other's header).
 *
 * @see BuildKit, util/progress/progressui (`--progress=plain`), for format and change-over rules
 * @module
 */
import type { ProgressEvent, ProgressReporter } from "../../../core/mod.ts";
import { BuildTrace, type Step, type StepStatus } from "./build_trace.ts";
import { failureReport, type ReadSource } from "./failure_report.ts";
import { amountText, secondsText } from "./go_number.ts";
import type { TextSink } from "./text_sink.ts";

/** Settings of {@link PlainReporter}. */
export interface PlainOptions {
  readonly readSource: ReadSource;
  /** Names are cut to this many characters; absent: never (`PROGRESS_NO_TRUNC=0` cuts to 72). */
  readonly nameLimit?: number | undefined;
}

const FAIR_TURN_SECONDS = 5;
const HIDDEN_LIMIT_MS = 10_000;
const STATUS_INTERVAL_MS = 5_000;
const STATUS_SHARE = 0.05;
/** Lines a hidden step may pile up before it is shown whoever's turn it is: what waits is held in memory. */
const BACKLOG_LINES = 2_000;

/** What plain output keeps of a step besides its state. */
interface Turn {
  readonly step: Step;
  /** From 1, in order of first appearance; 0 before it. */
  index: number;
  pending: string[];
  misses: number;
  warnings: number;
  readonly statusUpdates: Set<StepStatus>;
  readonly statusPrinted: Map<StepStatus, { readonly current: number; readonly timeMs: number }>;
  /** Updates since the step last lost the output, and since when they are counted. */
  updates: number;
  sinceMs: number;
}

/** Writes a build's progress as lines of text. */
export class PlainReporter implements ProgressReporter {
  readonly #sink: TextSink;
  readonly #options: PlainOptions;
  readonly #trace = new BuildTrace();
  readonly #turns = new Map<Step, Turn>();
  /** Turns with something not yet printed. */
  readonly #updated = new Set<Turn>();
  #current: Turn | undefined;
  #indexes = 0;
  #text = "";

  constructor(sink: TextSink, options: PlainOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  event(event: ProgressEvent): void {
    const change = this.#trace.apply(event);
    if (change === undefined) return;
    const turn = this.#turnOf(change.step);
    if (event.type === "log" && change.lines.length === 0) return;
    turn.pending.push(...change.lines.map((line) => `${line.time} ${line.text}`));
    if (change.status !== undefined) turn.statusUpdates.add(change.status);
    // Known beforehand (a reason to run, a warning) is said under the header, once there is one.
    if (change.step.startedMs === undefined) return;
    if (turn.updates === 0) turn.sinceMs = this.#trace.nowMs;
    turn.updates += 1;
    this.#updated.add(turn);
    this.#print();
    this.#flush();
  }

  /** Gives hidden steps their turn while nothing happens; to be called now and then. */
  refresh(timeMs: number): void {
    this.#trace.advance(timeMs);
    this.#print();
    this.#flush();
  }

  close(): void {
    this.#print();
    for (const turn of [...this.#updated]) this.#printTurn(turn);
    for (const text of this.#trace.warnings) this.#line(`WARNING: ${text}`);
    const { readSource } = this.#options;
    this.#text += failureReport(this.#trace.shown, { readSource, clean: (line) => line });
    this.#flush();
  }

  #turnOf(step: Step): Turn {
    let turn = this.#turns.get(step);
    if (turn === undefined) {
      turn = {
        step,
        index: 0,
        pending: [],
        misses: 0,
        warnings: 0,
        statusUpdates: new Set(),
        statusPrinted: new Map(),
        updates: 0,
        sinceMs: 0,
      };
      this.#turns.set(step, turn);
    }
    return turn;
  }

  /** Decides whose turn it is. */
  #print(): void {
    const before = this.#current;
    const ended = [...this.#updated].filter(({ step }) => step.endedMs !== undefined)
      .sort((a, b) => (a.step.endedMs ?? 0) - (b.step.endedMs ?? 0));
    const open = new Set([...this.#updated].filter(({ step }) => step.endedMs === undefined));
    if (before !== undefined && ended.includes(before)) this.#printTurn(before);
    for (const turn of ended) if (turn !== before) this.#printTurn(turn);
    if (open.size === 0) {
      if (before?.step.outcome === "running") return;
      const running = this.#trace.shown.find(({ outcome }) => outcome === "running");
      if (running !== undefined) this.#printTurn(this.#turnOf(running));
      return;
    }
    if (before !== undefined && open.has(before)) this.#printTurn(before);
    const next = this.#nextTurn(before, open);
    if (next !== undefined) this.#printTurn(next);
  }

  /** Who gets the output away from whoever has it, if anyone. */
  #nextTurn(before: Turn | undefined, open: Set<Turn>): Turn | undefined {
    const now = this.#trace.nowMs;
    const seconds = (turn: Turn): number => (now - turn.sinceMs) / 1000;
    const speed = (turn: Turn): number => turn.updates / seconds(turn);
    const isHiddenTooLong = (turn: Turn): boolean =>
      turn !== before &&
      (now - turn.sinceMs > HIDDEN_LIMIT_MS || turn.pending.length > BACKLOG_LINES);
    const candidates = before === undefined ? [...open] : [...open, before];
    const hidden = candidates.find(isHiddenTooLong);
    if (hidden !== undefined) return hidden;
    const fastest = candidates.reduce((best, turn) => speed(best) < speed(turn) ? turn : best);
    if (before === undefined || before.step.endedMs !== undefined) return fastest;
    const total = candidates.reduce((sum, turn) => sum + speed(turn), 0);
    const share = speed(before) / total;
    return FAIR_TURN_SECONDS / (1 - share) < seconds(before) ? fastest : undefined;
  }

  #printTurn(turn: Turn): void {
    const { step } = turn;
    if (turn !== this.#current) this.#changeOver(turn);
    for (const text of step.misses.slice(turn.misses)) this.#say(turn, `MISS: ${text}`);
    turn.misses = step.misses.length;
    for (const text of step.warnings.slice(turn.warnings)) this.#say(turn, `WARN: ${text}`);
    turn.warnings = step.warnings.length;
    for (const status of turn.statusUpdates) this.#printStatus(turn, status);
    turn.statusUpdates.clear();
    for (const line of turn.pending) this.#say(turn, line);
    turn.pending = [];
    this.#updated.delete(turn);
    this.#current = turn;
    if (step.endedMs === undefined) return;
    this.#current = undefined;
    turn.updates = 0;
    this.#say(turn, outcomeText(step));
  }

  #changeOver(turn: Turn): void {
    if (this.#current !== undefined) {
      this.#current.updates = 0;
      this.#say(this.#current, "...");
    }
    if (this.#indexes > 0) this.#line("");
    if (turn.index === 0) {
      this.#indexes += 1;
      turn.index = this.#indexes;
    }
    const { nameLimit } = this.#options;
    const { name } = turn.step;
    const isCut = nameLimit !== undefined && name.length > nameLimit;
    this.#say(turn, isCut ? `${name.slice(0, nameLimit)}...` : name);
  }

  #printStatus(turn: Turn, status: StepStatus): void {
    const { current, total, timeMs, done } = status;
    const last = turn.statusPrinted.get(status);
    if (last !== undefined && !done) {
      const gained = total === undefined || total === 0 ? 0 : (current - last.current) / total;
      if (gained < STATUS_SHARE && timeMs - last.timeMs < STATUS_INTERVAL_MS) return;
    }
    turn.statusPrinted.set(status, { current, timeMs });
    const amount = amountText(current, total);
    const elapsedMs = timeMs - status.startedMs;
    const parts = [
      status.id,
      ...amount === "" ? [] : [amount],
      ...elapsedMs > 10 ? [secondsText(elapsedMs)] : [],
      ...done ? ["done"] : [],
    ];
    this.#say(turn, parts.join(" "));
  }

  #say(turn: Turn, text: string): void {
    this.#line(`#${turn.index} ${text}`);
  }

  #line(text: string): void {
    this.#text += `${text}\n`;
  }

  #flush(): void {
    if (this.#text !== "") this.#sink.write(this.#text);
    this.#text = "";
  }
}

function outcomeText(step: Step): string {
  switch (step.outcome) {
    case "cached":
      return "CACHED";
    case "cancelled":
      return "CANCELED";
    case "failed":
      return `ERROR: ${step.error}`;
    default:
      return `DONE ${secondsText((step.endedMs ?? 0) - (step.startedMs ?? 0))}`;
  }
}
