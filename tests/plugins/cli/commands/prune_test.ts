import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChainID, sha256 } from "../../../../core/mod.ts";
import { type CliOutcome, runRecorded, ScriptedEngine } from "../../../support/recorded_cli.ts";

const here = { workingDirectory: "/" };
const digest = sha256("blob");

async function prune(...argv: string[]): Promise<CliOutcome & { engine: ScriptedEngine }> {
  const engine = new ScriptedEngine();
  engine.freed = {
    kept: [{ digest: sha256("kept"), size: 1500, why: 'layer of tag "a"' }],
    freed: [{ digest, size: 2_000_000, why: "nothing names it" }],
    keptTrees: [],
    freedTrees: [{
      ...{ chainId: digest as string as ChainID, variant: "root", directory: "/lw/snapshots/1" },
      ...{ sizeBytes: 10, usedMs: 0, why: "a layer it is made of goes" },
    }],
    ...{ freedRecords: 1, freedBytes: 2_000_010, leftovers: [] },
  };
  return { ...await runRecorded(["prune", ...argv], engine, here), engine };
}

test("prune says what it freed", async () => {
  const { code, stdout, stderr, engine } = await prune("-f");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(stdout, "Freed 2MB: 1 blob, 1 tree, 1 cached result\n");
  assert.deepEqual(engine.pruned, [{}]);
});

test("prune --dry-run says of each blob and tree why it stays or goes", async () => {
  const { stdout, engine } = await prune("--dry-run");
  const lines = stdout.split("\n");
  assert.match(lines[0] ?? "", /KIND +DIGEST +SIZE +WHY/);
  assert.match(lines[1] ?? "", /^free +blob +sha256:[0-9a-f]{64} +2MB +nothing names it$/);
  assert.match(
    lines[2] ?? "",
    /^free +tree +sha256:[0-9a-f]{64} +10B +a layer it is made of goes$/,
  );
  assert.match(lines[3] ?? "", /^keep +blob +sha256:[0-9a-f]{64} +1.5kB +layer of tag "a"$/);
  assert.equal(lines[4], "Would free 2MB: 1 blob, 1 tree, 1 cached result");
  assert.deepEqual(engine.pruned, [{ dryRun: true }]);
});

test("prune reads sizes and times as docker does", async () => {
  const options = async (...argv: string[]): Promise<unknown> =>
    (await prune("-f", ...argv)).engine.pruned;
  assert.deepEqual(await options("-a"), [{ all: true }]);
  assert.deepEqual(await options("--keep-storage", "10g"), [{ maxUsedBytes: 10 * 2 ** 30 }]);
  assert.deepEqual(
    await options("--max-used-space", "512MB", "--keep-storage", "1k"),
    [{ maxUsedBytes: 1024 }],
  );
  assert.deepEqual(await options("--filter", "until=24h"), [{ unusedForMs: 86_400_000 }]);
  assert.deepEqual(await options("--filter", "until=2999-01-01"), [{ unusedForMs: 0 }]);
  const [since] = (await options("--filter", "until=1000")) as { unusedForMs: number }[];
  assert.ok(Math.abs(Date.now() - 1_000_000 - (since?.unusedForMs ?? 0)) < 60_000);
});

test("prune refuses what it does not understand, and removes nothing", async () => {
  for (
    const argv of [
      ["--filter", "label=x"],
      ["--filter", "until=soon"],
      ["--keep-storage", "much"],
      ["--everything", "--all"],
      ["--everything", "--filter", "until=1h"],
    ]
  ) {
    const { code, stderr, engine } = await prune(...argv);
    assert.equal(code, 1);
    assert.match(stderr, /^OPTION_INVALID: /);
    assert.deepEqual(engine.pruned, []);
  }
});

test("prune asks where somebody can answer, and takes yes only for yes", async () => {
  for (
    const [answer, argv, isPruned] of [
      ["y\n", [], true],
      ["YES\n", [], true],
      ["\n", [], false],
      ["no\n", [], false],
      ["yesterday\n", [], false],
      ["", [], false],
      ["no\n", ["--force"], true],
      ["no\n", ["--dry-run"], true],
    ] as const
  ) {
    const engine = new ScriptedEngine();
    const { code, stderr } = await runRecorded(["prune", ...argv], engine, {
      ...here,
      stdin: answer,
      stdinIsTty: true,
    });
    assert.equal(engine.pruned.length, isPruned ? 1 : 0, answer);
    assert.equal(code, isPruned ? 0 : 1);
    assert.equal(stderr.includes("[y/N]"), argv.length === 0);
  }
});

test("prune frees nothing without --force where nobody can be asked", async () => {
  for (const argv of [[], ["--all"], ["--everything"]]) {
    for (const answers of [{}, { stdin: "y\n", stdinIsTty: false }]) {
      const engine = new ScriptedEngine();
      const { code, stdout, stderr } = await runRecorded(["prune", ...argv], engine, {
        ...here,
        ...answers,
      });
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(
        stderr,
        /^OPTION_INVALID: .*standard input is no terminal\n.*\n {2}fix: .*--force/,
      );
      assert.deepEqual([engine.pruned, engine.removals], [[], 0]);
    }
  }
});

test("prune --everything names the folder, and says what it could not remove", async () => {
  const engine = new ScriptedEngine();
  const planned = await runRecorded(["prune", "--everything", "--dry-run"], engine, here);
  assert.equal(planned.stdout, "/home/lw would go, with all that is in it\n");
  assert.equal(engine.removals, 0);
  const removed = await runRecorded(["prune", "--everything", "-f"], engine, here);
  assert.deepEqual([removed.code, removed.stdout], [0, "Removed /home/lw\n"]);
  assert.equal(engine.removals, 1);
  engine.remaining = ["mine.txt"];
  const partly = await runRecorded(["prune", "--everything", "-f"], engine, here);
  assert.deepEqual([partly.code, partly.stdout], [1, "Removed the store in /home/lw\n"]);
  assert.match(partly.stderr, /\/home\/lw\/mine\.txt/);
});
