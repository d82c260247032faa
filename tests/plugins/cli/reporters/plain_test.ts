import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "node:test";
import type { ProgressEvent } from "../../../../core/solve/progress.ts";
import { PlainReporter } from "../../../../plugins/cli/reporters/plain.ts";
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
import { RecordingSink } from "../../../support/virtual_terminal.ts";

function plainText(
  events: readonly ProgressEvent[],
  options: { nameLimit?: number; source?: string } = {},
): string {
  const sink = new RecordingSink();
  const { nameLimit, source } = options;
  replay(new PlainReporter(sink, { readSource: () => source, nameLimit }), events);
  return sink.text;
}

test("PlainReporter prints steps, statuses and logs as BuildKit does", () => {
  const context = "[internal] load build context";
  const events = [
    plan("[1/3] FROM debian:12", context, "[2/3] COPY . .", "[3/3] RUN make"),
    cached("[1/3] FROM debian:12", 1000),
    started(context, 1000),
    status(context, 1000, { id: "transferring context:", current: 31 }),
    status(context, 1250, { id: "transferring context:", current: 2_048, done: true }),
    completed(context, 1250),
    missed("[2/3] COPY . .", "src/app.ts changed"),
    started("[2/3] COPY . .", 1260),
    completed("[2/3] COPY . .", 1610),
    started("[3/3] RUN make", 1610),
    log("[3/3] RUN make", 1733, "cc a.c\ncc b.c\n"),
    log("[3/3] RUN make", 13_610, "ld\n"),
    log("[3/3] RUN make", 121_610, "strip\n"),
    completed("[3/3] RUN make", 121_700),
  ];
  assert.equal(
    plainText(events),
    `#1 [1/3] FROM debian:12
#1 CACHED

#2 [internal] load build context
#2 transferring context: 31B
#2 transferring context: 2.05kB 0.2s done
#2 DONE 0.2s

#3 [2/3] COPY . .
#3 MISS: src/app.ts changed
#3 DONE 0.3s

#4 [3/3] RUN make
#4 0.123 cc a.c
#4 0.123 cc b.c
#4 12.00 ld
#4 120.0 strip
#4 DONE 120.1s
`,
  );
});

test("PlainReporter announces a change of steps and holds the hidden one's lines back", () => {
  assert.equal(
    plainText([
      plan("a", "b"),
      started("a", 0),
      log("a", 100, "a1\n"),
      started("b", 100),
      log("b", 200, "b1\n"),
      log("a", 300, "a2\n"),
      completed("b", 400),
      log("a", 500, "a3\n"),
      completed("a", 600),
    ]),
    `#1 a
#1 0.100 a1
#1 0.300 a2
#1 ...

#2 b
#2 0.100 b1
#2 DONE 0.3s

#1 a
#1 0.500 a3
#1 DONE 0.6s
`,
  );
});

test("PlainReporter shows another running step when the current one ends", () => {
  assert.equal(
    plainText([
      plan("a", "b"),
      started("a", 0),
      started("b", 10),
      completed("a", 50),
      completed("b", 90),
    ]),
    "#1 a\n#1 DONE 0.1s\n\n#2 b\n#2 DONE 0.1s\n",
  );
});

test("PlainReporter shows a step that was hidden for over ten seconds", () => {
  const sink = new RecordingSink();
  const reporter = new PlainReporter(sink, { readSource: () => undefined });
  for (
    const event of [
      plan("a", "b"),
      started("a", 0),
      log("a", 1, "a1\n"),
      started("b", 10),
      log("b", 20, "b1\n"),
    ]
  ) {
    reporter.event(event);
  }
  assert.equal(sink.text, "#1 a\n#1 0.001 a1\n");
  reporter.refresh(10_011);
  assert.equal(sink.text, "#1 a\n#1 0.001 a1\n#1 ...\n\n#2 b\n#2 0.010 b1\n");
});

test("PlainReporter does not hoard the lines of a hidden step that prints fast", () => {
  const sink = new RecordingSink();
  const reporter = new PlainReporter(sink, { readSource: () => undefined });
  for (
    const event of [
      plan("a", "b"),
      started("a", 0),
      started("b", 1),
      log("b", 2, "x\n".repeat(3000)),
    ]
  ) {
    reporter.event(event);
  }
  assert.equal(sink.text.split("\n").filter((line) => line === "#2 0.001 x").length, 3000);
});

test("PlainReporter loses no line of steps that are still open when it is closed", () => {
  const text = plainText([
    plan("a", "b", "c"),
    started("a", 0),
    started("b", 0),
    started("c", 0),
    log("b", 1, "b1\n"),
    log("c", 1, "c1\n"),
  ]);
  assert.match(text, /^#\d 0\.001 b1$/m);
  assert.match(text, /^#\d 0\.001 c1$/m);
});

test("PlainReporter prints an unfinished line when the step ends, and replaces what is not UTF-8", () => {
  assert.equal(
    plainText([
      plan("a"),
      started("a", 0),
      log("a", 10, "ünder"),
      log("a", 20, Uint8Array.of(0xc3)),
      log("a", 30, "err", "stderr"),
      log("a", 40, Uint8Array.of(0xbc, 0xff)),
      completed("a", 100),
    ]),
    "#1 a\n#1 0.010 ündererrü\ufffd\n#1 DONE 0.1s\n",
  );
});

test("PlainReporter says what failed, what was cancelled, and shows the place", () => {
  const name = "[build 2/2] RUN x";
  const source = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`).join("\n");
  const lines = Array.from({ length: 25 }, (_, index) => `out ${index + 1}\n`).join("");
  const text = plainText([
    planAt(name, { file: "recipes/app.ts", line: 14 }),
    plan("other", "waiting"),
    started("other", 0),
    started(name, 0),
    log(name, 123, lines),
    failed(name, 500, "process did not complete:\n exit code: 3"),
    failed("other", 600, "cancelled", true),
    failed("waiting", 600, "cancelled", true),
  ], { source });
  assert.equal(
    text.slice(text.indexOf("#2 ERROR")),
    `#2 ERROR: process did not complete: exit code: 3

#1 other
#1 CANCELED
------
 > [build 2/2] RUN x:
${Array.from({ length: 20 }, (_, index) => `0.123 out ${index + 6}\n`).join("")}------
recipes/app.ts:14
--------------------
  12 |     line 12
  13 |     line 13
  14 | >>> line 14
  15 |     line 15
  16 |     line 16
--------------------
`,
  );
});

test("PlainReporter does not repeat a status that hardly moved", () => {
  const at = (timeMs: number, current: number, done = false): ProgressEvent =>
    status("a", timeMs, { id: "sha256:1", current, total: 1_000_000, done });
  assert.equal(
    plainText([
      plan("a"),
      started("a", 0),
      at(0, 0),
      at(100, 1000),
      at(200, 60_000),
      at(300, 61_000),
      at(9000, 62_000),
      at(9100, 1_000_000, true),
      completed("a", 9100),
    ]),
    `#1 a
#1 sha256:1 0B / 1.00MB
#1 sha256:1 60.00kB / 1.00MB 0.2s
#1 sha256:1 62.00kB / 1.00MB 9.0s
#1 sha256:1 1.00MB / 1.00MB 9.1s done
#1 DONE 9.1s
`,
  );
});

test("PlainReporter cuts long names only when told to, and keeps names on one line", () => {
  const name = `[1/1] RUN echo\n  ${"x".repeat(100)}`;
  const events = [plan(name), cached(name, 0)];
  assert.equal(plainText(events).split("\n")[0], `#1 [1/1] RUN echo ${"x".repeat(100)}`);
  assert.equal(
    plainText(events, { nameLimit: 72 }).split("\n")[0],
    `#1 [1/1] RUN echo ${"x".repeat(57)}...`,
  );
});

test("PlainReporter prints warnings with their step, and others at the end", () => {
  assert.equal(
    plainText([
      plan("a"),
      { type: "warning", text: "no lock file" },
      started("a", 0),
      { type: "warning", vertex: digestOf("a"), text: "odd mode" },
      completed("a", 0),
    ]),
    "#1 a\n#1 WARN: odd mode\n#1 DONE 0.0s\nWARNING: no lock file\n",
  );
});

test("PlainReporter ignores events of steps it was never told of", () => {
  assert.equal(plainText([plan("a"), started("b", 0), log("b", 1, "x\n"), completed("b", 2)]), "");
});

test("PlainReporter prints every line of every step once and in order, under its header (seed 1700)", () => {
  const names = ["a", "b", "c"];
  const anyEvent = fc.oneof(
    fc.constantFrom(...names).map((name) => (timeMs: number) => started(name, timeMs)),
    fc.constantFrom(...names).map((name) => (timeMs: number) => completed(name, timeMs)),
    fc.tuple(fc.constantFrom(...names), fc.constantFrom("x", "y\n", "\n", "p\nq", "é\n\n")).map(
      ([name, text]) => (timeMs: number) => log(name, timeMs, text),
    ),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyEvent, fc.constantFrom(0, 1, 200, 6000, 20_000)), { maxLength: 60 }),
      (steps) => {
        let timeMs = 0;
        const events = names.map((name) => started(name, 0));
        for (const [event, pause] of steps) events.push(event(timeMs += pause));
        for (const name of names) events.push(completed(name, timeMs));
        const output = plainText([plan(...names), ...events]);
        const printed = new Map<string, string[]>();
        let owner = "";
        for (const line of output.split("\n")) {
          const [, index = "", text = ""] = /^#(\d+) (.*)$/.exec(line) ?? [];
          if (names.includes(text)) owner = index;
          const log = /^\d+\.\d+ (.*)$/.exec(text)?.[1];
          if (log === undefined) continue;
          assert.equal(index, owner);
          printed.set(index, [...printed.get(index) ?? [], log]);
        }
        // Each step gets its number at its first header.
        const indexes = new Map(
          [...output.matchAll(/^#(\d+) ([abc])$/gm)]
            .map(([, index = "", name = ""]) => [name, index]),
        );
        for (const name of names) {
          const vertex = digestOf(name);
          // An end of the step is an end of its line.
          let text = "";
          for (const event of events) {
            if (event.type === "log" && event.vertex === vertex) {
              text += new TextDecoder().decode(event.bytes);
            }
            if (
              event.type === "completed" && event.vertex === vertex && text !== "" &&
              !text.endsWith("\n")
            ) text += "\n";
          }
          assert.deepEqual(
            printed.get(indexes.get(name) ?? "") ?? [],
            text.split("\n").slice(0, -1),
          );
        }
      },
    ),
    { seed: 1700, numRuns: 200 },
  );
});
