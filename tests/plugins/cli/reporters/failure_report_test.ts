import assert from "node:assert/strict";
import { test } from "node:test";
import { BuildTrace } from "../../../../plugins/cli/reporters/build_trace.ts";
import { failureReport, sourceExcerpt } from "../../../../plugins/cli/reporters/failure_report.ts";
import { failed, log, planAt, started } from "../../../support/progress_events.ts";

function excerpt(source: string | undefined, line: number): string {
  return sourceExcerpt({ file: "a.ts", line }, { readSource: () => source, clean: (text) => text });
}

const rule = "-".repeat(20);

test("sourceExcerpt() shows two lines on each side, fewer at the ends of the file", () => {
  assert.equal(
    excerpt("1\n2\n3\n4", 1),
    `a.ts:1\n${rule}\n   1 | >>> 1\n   2 |     2\n   3 |     3\n${rule}\n`,
  );
  assert.equal(
    excerpt("1\r\n2\r\n3", 3),
    `a.ts:3\n${rule}\n   1 |     1\n   2 |     2\n   3 | >>> 3\n${rule}\n`,
  );
});

test("failureReport() ends with where all of the output is", () => {
  const trace = new BuildTrace();
  const events = [planAt("a", { file: "a.ts", line: 1 }), started("a", 0), log("a", 0, "oops\n")];
  for (const event of [...events, { ...failed("a", 1, "no"), log: "/logs/1.log" }]) {
    trace.apply(event);
  }
  const report = failureReport(trace.shown, { readSource: () => "1", clean: (text) => text });
  const seconds = trace.shown[0]?.log.tail[0]?.time;
  assert.equal(
    report,
    `------\n > a:\n${seconds} oops\n------\na.ts:1\n${rule}\n   1 | >>> 1\n${rule}\n`,
  );
});

test("sourceExcerpt() is empty for a file that is gone or too short", () => {
  assert.equal(excerpt(undefined, 1), "");
  assert.equal(excerpt("1", 2), "");
  assert.equal(excerpt("1", 0), "");
});

test("sourceExcerpt() shows the beginning of a line of a megabyte", () => {
  assert.equal(
    excerpt("x".repeat(1 << 20), 1).split("\n")[2]?.length,
    "   1 | >>> ".length + 1 + 300 - 1,
  );
});
