import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "node:test";
import { LogLines } from "../../../../plugins/cli/reporters/log_lines.ts";

test("LogLines gives the same lines however the bytes are cut (seed 1704)", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 40 }).map((text) => `${text}\nend\u00e9`),
      fc.array(fc.nat(60), { maxLength: 6 }),
      (text, cuts) => {
        const bytes = new TextEncoder().encode(text);
        const log = new LogLines();
        const lines: string[] = [];
        let start = 0;
        for (const end of [...cuts, bytes.length].sort((a, b) => a - b)) {
          lines.push(...log.push("stdout", bytes.subarray(start, end), 0).map((line) => line.text));
          start = Math.min(end, bytes.length);
        }
        lines.push(...log.end(0).map((line) => line.text));
        assert.deepEqual(
          lines,
          new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).split("\n"),
        );
      },
    ),
    { seed: 1704, numRuns: 300 },
  );
});

test("LogLines gives a line the time of its first byte", () => {
  const log = new LogLines();
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  assert.deepEqual(log.push("stdout", encode("a"), 5), []);
  assert.deepEqual(log.push("stderr", encode("b\nc"), 9000), [{ time: "0.005", text: "ab" }]);
  assert.deepEqual(log.end(20_000), [{ time: "9.000", text: "c" }]);
  assert.deepEqual(log.end(20_000), []);
});

test("LogLines cuts a line that never ends, and keeps twenty for later", () => {
  const log = new LogLines();
  assert.equal(log.push("stdout", new Uint8Array(70_000).fill(97), 0)[0]?.text.length, 70_000);
  for (let number = 0; number < 3000; number += 1) {
    log.push("stdout", new TextEncoder().encode(`${number}\n`), 0);
  }
  assert.deepEqual(
    log.tail.map((line) => line.text),
    Array.from({ length: 20 }, (_, index) => String(2980 + index)),
  );
});
