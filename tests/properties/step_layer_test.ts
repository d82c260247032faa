/** Whatever a step does to its files, its layer on top of the old ones shows what the step saw. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { writeLayer } from "../../core/layer/write_layer.ts";
import { executorLadder } from "../../plugins/runtime/mod.ts";
import { surroundingsOf } from "../support/executor_surroundings.ts";
import { openStepFixture } from "../support/step_fixture.ts";

// Few enough that commands meet: half of them are there before the first step.
const PATHS = [
  "/dir/a",
  "/dir/b",
  "/dir/inner",
  "/dir/inner/c",
  "/dir/new",
  "/dir/new/ä x",
  "/dir/inner/-n",
];
const path = fc.constantFrom(...PATHS).map((at) => `'${at}'`);

/** One command; it may well fail, as in any script. */
const command = fc.oneof(
  path.map((at) => `mkdir -p ${at}`),
  path.map((at) => `rm -rf ${at}`),
  fc.tuple(path, fc.nat(3)).map(([at, n]) => `echo ${n} > ${at}`),
  fc.tuple(path, fc.nat(3)).map(([at, n]) => `echo ${n} >> ${at}`),
  fc.tuple(path, path).map(([from, to]) => `mv ${from} ${to}`),
  fc.tuple(path, path).map(([from, to]) => `ln ${from} ${to}`),
  fc.tuple(path, path).map(([from, to]) => `ln -sfn ${from} ${to}`),
  fc.tuple(path, path).map(([from, to]) => `cp -a ${from} ${to}`),
  fc.tuple(path, fc.constantFrom("700", "4755", "1777")).map(([at, mode]) => `chmod ${mode} ${at}`),
  fc.tuple(path, fc.nat(9)).map(([at, time]) => `touch -d @${time} ${at}`),
  path.map((at) => `rm -rf ${at}; mkdir -p ${at}`),
  fc.constant("rm -rf /dir; mkdir /dir"),
);
const script = fc.array(command, { minLength: 1, maxLength: 12 }).map((lines) => lines.join("\n"));

const LISTING =
  "cd /dir; find . -exec stat -c '%n|%F|%a|%u|%g|%h|%N' {} + | sed 's/^\\(.*|directory|.*\\)|[0-9]*|/\\1|/' | sort; " +
  "find . -type f -exec sha256sum {} + | sort";
const TIMES =
  "find / -xdev -path '/[a-z]*' -not -path '/dir*' -prune -o -exec stat -c '%n %Y' {} + | sort";

const [executor] = executorLadder();
if (executor === undefined) throw new Error("no executor");
const { skip } = await surroundingsOf(executor);
const name =
  "a step's layer, applied, gives the files the step saw, and so does its directory (seed 20)";

test(
  skip === undefined ? name : `${name} (${skip})`,
  { skip: skip ?? false, timeout: 120_000 },
  async () => {
    await using fixture = await openStepFixture(executor);
    const { run, session, lower } = fixture;
    await fc.assert(
      fc.asyncProperty(script, script, async (first, second) => {
        let lowers: readonly string[] = [lower];
        for (const commands of [first, second]) {
          const step = await run(`set +e; ( ${commands}\n) 2>/dev/null; ${LISTING}`, {
            lowers,
            epochSeconds: 5,
          });
          const tarPath = fixture.path();
          assert.equal(
            writeLayer(step.entries, tarPath, { epochSeconds: 5 }).diffId,
            step.result.layer?.diffId,
          );
          const unpacked = fixture.path();
          mkdirSync(unpacked);
          await session.unpack({ tarPath, lowers, directory: unpacked });
          const shown = [];
          for (const top of [unpacked, step.upper]) {
            const again = await run(`${LISTING}; echo; ${TIMES}`, { lowers: [top, ...lowers] });
            assert.equal(again.result.layer?.entryCount, 0);
            shown.push(again.stdout);
          }
          assert.equal(shown[0], shown[1]);
          assert.equal(shown[0]?.split("\n\n")[0], step.stdout.trimEnd());
          lowers = [step.upper, ...lowers];
        }
      }),
      { seed: 20, numRuns: 10 },
    );
  },
);
