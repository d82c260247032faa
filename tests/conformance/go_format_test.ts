/** Go's own opinion of what our printers print in its name. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { goDuration, goQuote } from "../../core/graph/go_format.ts";
import { programPath } from "../support/program_path.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const PROGRAM = `package main

import (
	"encoding/json"
	"os"
	"strconv"
	"time"
	"unicode"
)

func main() {
	var in struct {
		Texts []string
		Durations []int64
	}
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil { panic(err) }
	quoted, durations := []string{}, []string{}
	for _, text := range in.Texts { quoted = append(quoted, strconv.Quote(text)) }
	for _, ms := range in.Durations { durations = append(durations, (time.Duration(ms) * time.Millisecond).String()) }
	version := []string{unicode.Version}
	json.NewEncoder(os.Stdout).Encode(map[string][]string{"quoted": quoted, "durations": durations, "version": version})
}
`;

const skip = programPath("go") === undefined && "needs go";

test("goQuote() and goDuration() print what Go prints (seed 51; needs go)", { skip }, () => {
  using directory = temporaryDirectory();
  const program = join(directory.path, "main.go");
  writeFileSync(program, PROGRAM);
  const characters = Array.from({ length: 0x3200 }, (_, code) => String.fromCodePoint(code))
    .concat(Array.from({ length: 0x2000 }, (_, n) => String.fromCodePoint(0x10000 + n * 17)));
  const random = fc.sample(fc.string({ unit: "binary", maxLength: 20 }), {
    seed: 51,
    numRuns: 500,
  });
  const texts = [...characters, ...random];
  const durations = fc.sample(fc.nat({ max: 1_000_000_000 }), { seed: 51, numRuns: 300 })
    .flatMap((ms) => [ms, Math.floor(ms / 1000), Math.floor(ms / 1_000_000)]);
  const { stdout, stderr, status } = spawnSync("go", ["run", program], {
    input: JSON.stringify({ Texts: texts, Durations: durations }),
    encoding: "utf8",
    env: { ...process.env, GOFLAGS: "", GO111MODULE: "off" },
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(status, 0, stderr);
  const go = JSON.parse(stdout);
  // Another Unicode has other characters: our table is that of 15.0.0, whatever Go has here.
  const comparable = go.version[0] === "15.0.0" ? /^/ : /^[\0-\u024f]*$/;
  const differing = texts.flatMap((text, index) =>
    !comparable.test(text) || goQuote(text) === go.quoted[index]
      ? []
      : [[goQuote(text), go.quoted[index]]]
  );
  assert.deepEqual(differing, []);
  assert.deepEqual(durations.map(goDuration), go.durations);
});
