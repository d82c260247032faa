/**
 * What every {@link Executor} does. Run by executor_*_test.ts on each one, as root and as a user.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import type { Executor } from "../../core/execute/executor.ts";
import type { ExecutorSurroundings } from "../support/executor_surroundings.ts";
import { openStepFixture, type StepFixture } from "../support/step_fixture.ts";
import { layerContract } from "./executor_layer_contract.ts";
import { processContract } from "./executor_process_contract.ts";
import { rootContract } from "./executor_root_contract.ts";

/** Declares one test of the contract; `skip` says what it needs and does not have. */
export type Check = (
  criterion: string,
  run: (fixture: StepFixture) => Promise<void>,
  skip?: string,
) => void;

/** Declares the tests of the contract for one executor. */
export function executorContract(executor: Executor, surroundings: ExecutorSurroundings): void {
  // One session for all tests, as a build has one for all its steps.
  let shared: Promise<StepFixture> | undefined;
  after(async () => {
    await (await shared)?.[Symbol.asyncDispose]();
  });
  const check: Check = (criterion, run, skip) => {
    const reason = surroundings.skip ?? skip;
    const name = `${executor.name}: ${criterion}${reason === undefined ? "" : ` (${reason})`}`;
    test(name, { skip: reason !== undefined && reason }, async () => {
      shared ??= openStepFixture(executor);
      await run(await shared);
    });
  };
  layerContract(check);
  processContract(check, surroundings);
  rootContract(check, surroundings);

  test(
    `${executor.name}: closing or aborting a session leaves no mount, no process, no file`,
    { skip: surroundings.skip ?? false },
    async () => {
      for (const end of ["close", "abort"]) {
        const abort = new AbortController();
        const marker = `4${process.pid}${end.length}`;
        await using fixture = await openStepFixture(executor, abort.signal);
        const { run, session, workDirectory, directory } = fixture;
        const begun = Promise.withResolvers<void>();
        const step = run(`echo begun; sleep ${marker} & sleep ${marker}`, {
          onOutput: () => begun.resolve(),
        });
        const ended = assert.rejects(step, {
          code: end === "abort" ? "BUILD_CANCELLED" : "RUN_WORKER_FAILED",
        });
        await begun.promise;
        assert.notEqual(processesWith(marker).length, 0);
        if (end === "abort") abort.abort();
        await session[Symbol.asyncDispose]();
        await ended;
        assert.deepEqual(processesWith(marker), []);
        assert.equal(existsSync(workDirectory), false);
        assert.equal(readFileSync("/proc/self/mountinfo", "utf8").includes(directory), false);
        await assert.rejects(run("true"), { code: /RUN_WORKER_FAILED|BUILD_CANCELLED/ });
      }
    },
  );
}

function processesWith(text: string): string[] {
  return readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name)).flatMap((pid) => {
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return commandLine.includes(text) ? [commandLine] : [];
    } catch {
      return [];
    }
  });
}
