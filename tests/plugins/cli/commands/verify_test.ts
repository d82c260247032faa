import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { VerifyResult } from "../../../../core/mod.ts";
import { sha256, type VertexDigest } from "../../../../mod.ts";
import { runRecorded, ScriptedEngine } from "../../../support/recorded_cli.ts";
import { temporaryDirectory } from "../../../support/temporary_directory.ts";

const core = new URL("../../../../core/mod.ts", import.meta.url).href;
const RECIPE = `import { image } from ${JSON.stringify(core)};
export default image("app").from("scratch").run(["date"]);
`;

/** Runs the verb on a recipe, with an engine that found this. */
async function verify(
  verified: VerifyResult,
  ...argv: readonly string[]
): Promise<{ engine: ScriptedEngine; code: number; stdout: string; stderr: string; path: string }> {
  using directory = temporaryDirectory();
  const { path } = directory;
  writeFileSync(join(path, "layerwright.ts"), RECIPE);
  const engine = new ScriptedEngine();
  engine.verified = verified;
  const outcome = await runRecorded(["verify", ...argv], engine, { workingDirectory: path });
  return { engine, path, ...outcome };
}

function found(path: string): VerifyResult {
  const head = { vertex: sha256<VertexDigest>("step"), runs: 4, varied: ["time"] } as const;
  return {
    reproducible: false,
    steps: [
      { ...head, number: 1, name: "[app 1/3] RUN true", outcome: "same", differences: [] },
      {
        ...head,
        number: 2,
        name: "[app 2/3] RUN date",
        at: { file: join(path, "layerwright.ts"), line: 2 },
        outcome: "differs",
        differences: [
          { path: "a", field: "size", stored: "1 bytes", again: "2 bytes", cause: "hostname" },
          {
            path: "a",
            field: "content",
            stored: '"x"',
            again: '"\\u001b[2J"',
            offset: 7,
            cause: "hostname",
          },
          {
            path: "b\u001b[2J\nb",
            field: "mode",
            stored: "0644",
            again: "0600",
            cause: "every-run",
          },
        ],
      },
      {
        ...head,
        number: 3,
        name: "[app 3/3] RUN test",
        outcome: "failed",
        differences: [],
        failure: "exit code 1 under cpus",
      },
    ],
  };
}

test("verify prints each step, and each file that differs once, with its fields and why", async () => {
  const { code, stdout } = await verify(found("/r"));
  assert.equal(code, 1);
  assert.deepEqual(stdout.split("\n").slice(0, 7), [
    "1  same     [app 1/3] RUN true",
    "2  differs  [app 2/3] RUN date",
    "            /r/layerwright.ts:2",
    "            /a: it depends on the host name",
    "              size: 1 bytes → 2 bytes",
    '              content at byte 7: "x" → "\\u001b[2J"',
    stdout.split("\n")[6],
  ]);
  assert.match(stdout, /\n {12}\/b.*: it differs with every run: .*\n {14}mode: 0644 → 0600\n/);
  assert.match(
    stdout,
    /3 {2}failed {3}\[app 3\/3\] RUN test\n {12}it failed: exit code 1 under cpus\n$/,
  );
  assert.ok(!stdout.includes("\u001b"), "names from an image reach no terminal as they are");
});

test("verify ends with 0 when all steps make the same, and says so when there are none", async () => {
  const { code, stdout, stderr } = await verify({ reproducible: true, steps: [] });
  assert.deepEqual([code, stdout, stderr], [0, "there are no RUN steps\n", ""]);
});

test("verify --json prints all that was found", async () => {
  const result = found("/r");
  const { code, stdout } = await verify(result, "--json");
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(stdout), result);
});

test("verify hands on the step and what is built", async () => {
  const { engine, path } = await verify(
    { reproducible: true, steps: [] },
    ...["--step", "date", "--build-arg", "A=1", "--no-cache"],
  );
  const [call] = engine.calls;
  assert.equal(call?.verb, "verify");
  const { step, buildArgs, noCache, contextDirectory } = call?.options as Record<string, unknown>;
  assert.deepEqual([step, buildArgs, noCache, contextDirectory], ["date", { A: "1" }, true, path]);
});
