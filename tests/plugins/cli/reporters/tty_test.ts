import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "node:test";
import type { ProgressEvent } from "../../../../core/solve/progress.ts";
import { colorsOf, plainColors } from "../../../../plugins/cli/reporters/colors.ts";
import { TtyReporter } from "../../../../plugins/cli/reporters/tty.ts";
import {
  cached,
  completed,
  digestOf,
  failed,
  log,
  missed,
  plan,
  planAt,
  replay,
  started,
  status,
} from "../../../support/progress_events.ts";
import { VirtualTerminal } from "../../../support/virtual_terminal.ts";

function reporterOn(terminal: VirtualTerminal, source?: string): TtyReporter {
  return new TtyReporter(terminal, { readSource: () => source, colors: plainColors, logLines: 6 });
}

test("TtyReporter draws running steps with their output, and redraws in place", () => {
  const terminal = new VirtualTerminal(60, 12);
  const reporter = reporterOn(terminal);
  for (
    const event of [
      plan("[1/3] FROM debian:12", "[2/3] RUN make", "[3/3] RUN check"),
      cached("[1/3] FROM debian:12", 1000),
      missed("[2/3] RUN make", "a.c changed"),
      started("[2/3] RUN make", 1000),
      log("[2/3] RUN make", 1100, "cc a.c\ncc b.c\n"),
    ]
  ) reporter.event(event);
  const row = (text: string, timer: string): string => text.padEnd(59 - timer.length) + timer;
  assert.deepEqual(terminal.screen(), [
    "[+] Building 0.1s (1/3)",
    row(" => CACHED [1/3] FROM debian:12", "0.0s"),
    row(" => [2/3] RUN make", "0.1s"),
    " => => MISS: a.c changed",
    " => => # cc a.c",
    " => => # cc b.c",
  ]);
  reporter.refresh(2500);
  assert.equal(terminal.screen()[0], "[+] Building 1.5s (1/3)");
  assert.equal(terminal.screen()[2], row(" => [2/3] RUN make", "1.5s"));
  assert.equal(terminal.scrolledOff.length, 0);
  reporter.event(completed("[2/3] RUN make", 2600));
  reporter.event(cached("[3/3] RUN check", 2600));
  reporter.close();
  assert.deepEqual(terminal.everything(), [
    "[+] Building 1.6s (3/3) FINISHED",
    row(" => CACHED [1/3] FROM debian:12", "0.0s"),
    row(" => [2/3] RUN make", "1.6s"),
    " => => MISS: a.c changed",
    row(" => CACHED [3/3] RUN check", "0.0s"),
  ]);
  assert.ok(terminal.cursorVisible);
});

test("TtyReporter shows the last lines of output only, running steps before finished ones", () => {
  const terminal = new VirtualTerminal(40, 10);
  const reporter = reporterOn(terminal);
  const done = Array.from({ length: 20 }, (_, index) => `step ${index}`);
  reporter.event(plan(...done, "run"));
  for (const name of done) reporter.event(cached(name, 0));
  reporter.event(started("run", 100));
  reporter.event(
    log("run", 300, Array.from({ length: 9 }, (_, index) => `out ${index}\n`).join("")),
  );
  const texts = terminal.screen().map((line) => line.replace(/ +[\d.]+s$/, ""));
  assert.deepEqual(texts, [
    "[+] Building 0.3s (20/21)",
    " => CACHED step 19",
    " => run",
    ...[3, 4, 5, 6, 7, 8].map((number) => ` => => # out ${number}`),
  ]);
  assert.equal(terminal.scrolledOff.length, 0);
});

test("TtyReporter lets no control sequence of a step, a name or a source file reach the terminal", () => {
  const terminal = new VirtualTerminal(80, 24);
  const name = "RUN \u001b]0;owned\u0007echo\u202e x";
  replay(reporterOn(terminal, "a\u001b[2J\nb\u009b5A\u0007\n"), [
    planAt(name, { file: "recipe\u001b[H.ts", line: 1 }),
    started(name, 0),
    log(
      name,
      200,
      "10%\r\u001b[2K\u001b[31m90%\u001b[0m\n\u001bP1;2q\u001b\\x\u0008\u0000\n\u001b[999;1Htail\u001b",
    ),
    failed(name, 300, "exit\u001b[2Jcode 1"),
  ]);
  assert.deepEqual(terminal.everything().map((line) => line.replace(/ +0\.3s$/, "")), [
    "[+] Building 0.3s (1/1) FINISHED",
    " => ERROR RUN echo x",
    "------",
    " > RUN echo x:",
    "0.200 90%",
    "0.200 x",
    "0.200 tail",
    "------",
    "recipe.ts:1",
    "--------------------",
    "   1 | >>> a",
    "   2 |     b",
    "   3 |",
    "--------------------",
  ]);
});

test("TtyReporter draws over lines that a narrower terminal wrapped", () => {
  let terminal = new VirtualTerminal(60, 20);
  const reporter = new TtyReporter({
    write: (text) => terminal.write(text),
    columns: () => terminal.width,
    rows: () => terminal.height,
    isTty: true,
  }, { readSource: () => undefined, colors: plainColors, logLines: 6 });
  reporter.event(plan("a", "b"));
  reporter.event(started("a", 0));
  // What terminals do when they become half as wide: the second line, a full one, takes two rows from then on.
  const drawn = terminal.screen();
  terminal = new VirtualTerminal(30, 20);
  terminal.write(`above\n${drawn.join("\n")}\n`);
  reporter.refresh(200);
  assert.deepEqual(terminal.screen(), [
    "above",
    "[+] Building 0.2s (0/2)",
    " => a                    0.2s",
  ]);
});

test("TtyReporter survives terminals without a size", () => {
  const terminal = new VirtualTerminal(80, 24);
  Object.assign(terminal, { columns: () => 0, rows: () => 0 });
  replay(reporterOn(terminal), [plan("a"), started("a", 0), completed("a", 1)]);
  assert.equal(terminal.screen().length, 2);
});

test("TtyReporter colours finished steps, and nothing with NO_COLOR", () => {
  let text = "";
  const sink = {
    write: (part: string) => void (text += part),
    columns: () => 40,
    rows: () => 9,
    isTty: true,
  };
  const events = [plan("a", "b"), started("a", 0), failed("a", 1, "no"), cached("b", 200)];
  replay(
    new TtyReporter(sink, { readSource: () => undefined, colors: colorsOf({}), logLines: 6 }),
    events,
  );
  assert.ok(text.includes("\u001b[31m => ERROR a"));
  assert.ok(text.includes("\u001b[34m => CACHED b"));
  text = "";
  const colors = colorsOf({ NO_COLOR: "1" });
  replay(new TtyReporter(sink, { readSource: () => undefined, colors, logLines: 6 }), events);
  assert.doesNotMatch(text, /\[[\d;]*m/);
});

const names = ["a", "[2/9] RUN long ".repeat(12), "漢字 step", "e"];
const anyName = fc.constantFrom(...names);
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.array(
    fc.constantFrom("\u001b", "[", "2J", "\r", "\n", "x", "\u009b", "]0;", "漢", "\u0301", "\t"),
    {
      maxLength: 30,
    },
  ).map((parts) => parts.join("")),
);
const anyStep: fc.Arbitrary<(timeMs: number) => ProgressEvent> = fc.oneof(
  anyName.map((name) => (timeMs: number) => started(name, timeMs)),
  anyName.map((name) => (timeMs: number) => completed(name, timeMs)),
  anyName.map((name) => (timeMs: number) => failed(name, timeMs, "bad")),
  fc.tuple(anyName, anyText).map(([name, text]) => (timeMs: number) => log(name, timeMs, text)),
  fc.tuple(anyName, anyText).map(([name, text]) => () => missed(name, text)),
  fc.tuple(anyName, anyText, fc.nat(5000)).map(([name, id, current]) => (timeMs: number) =>
    status(name, timeMs, { id, current })
  ),
  fc.tuple(anyName, anyText).map(([name, text]) => (): ProgressEvent => ({
    type: "warning",
    vertex: digestOf(name),
    text,
  })),
);

test("TtyReporter stays within the screen and leaves one picture, whatever happens (seed 1701)", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyStep, fc.nat(300)), { maxLength: 40 }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 2, max: 20 }),
      (steps, width, height) => {
        const terminal = new VirtualTerminal(width, height);
        const reporter = reporterOn(terminal);
        reporter.event(plan(...names));
        let timeMs = 0;
        for (const [step, pause] of steps) {
          timeMs += pause;
          reporter.event(step(timeMs));
          assert.equal(terminal.scrolledOff.length, 0);
          assert.ok(terminal.cursorVisible);
        }
        reporter.close();
        const headings = terminal.everything().filter((line) => line.startsWith("[+] Building"));
        if (width > 20) assert.ok(headings.length <= 1, headings.join("|"));
      },
    ),
    { seed: 1701, numRuns: 150 },
  );
});
