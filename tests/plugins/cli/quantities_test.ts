import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDuration, parseSize } from "../../../plugins/cli/quantities.ts";

test("parseSize() reads sizes as docker does", () => {
  const sizes: Readonly<Record<string, number>> = {
    "1": 1,
    "1024b": 1024,
    "64k": 65_536,
    "512M": 536_870_912,
    "1.5g": 1_610_612_736,
    "2 GiB": 2_147_483_648,
    "32mb": 33_554_432,
    "1t": 2 ** 40,
  };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseSize("--x", text), bytes);
});

test("parseSize() refuses what is none, by the option's name", () => {
  for (const text of ["", "0", "0.5", "-1", "m", "1x", "1mm", "1e3", " 1", "1,5g", "99999p", "∞"]) {
    assert.throws(() => parseSize("--shm-size", text), {
      code: "OPTION_INVALID",
      message: `Cannot use --shm-size ${JSON.stringify(text)}: not a size`,
    });
  }
});

test("parseDuration() reads durations as Go does", () => {
  const durations: Readonly<Record<string, number>> = {
    "90s": 90_000,
    "5m": 300_000,
    "1h30m": 5_400_000,
    "500ms": 500,
    "1.5s": 1500,
    "1m1ms": 60_001,
    "24h": 86_400_000,
  };
  for (const [text, milliseconds] of Object.entries(durations)) {
    assert.equal(parseDuration("--x", text), milliseconds);
  }
});

test("parseDuration() refuses what is none", () => {
  for (const text of ["", "5", "0s", "-1s", "5 m", "1d", "s", "5min", "1s2", "0.1ms"]) {
    assert.throws(() => parseDuration("--timeout", text), {
      code: "OPTION_INVALID",
      message: `Cannot use --timeout ${JSON.stringify(text)}: not a duration`,
    });
  }
});

test("parseDuration() reads whatever hours, minutes and seconds add up to", () => {
  const part = fc.integer({ min: 0, max: 10_000 });
  fc.assert(fc.property(part, part, part, (hours, minutes, seconds) => {
    const total = ((hours * 60 + minutes) * 60 + seconds) * 1000;
    fc.pre(total > 0);
    assert.equal(parseDuration("--x", `${hours}h${minutes}m${seconds}s`), total);
  }));
});
