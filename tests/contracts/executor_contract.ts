/**
 * What every {@link Executor} does. Run by executor_*_test.ts on each one, as root and as a user.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { Executor } from "../../core/execute/executor.ts";
import type { ExecutorSurroundings } from "../support/executor_surroundings.ts";
import { processesWith } from "../support/processes.ts";
import { openStepFixture, type StepFixture } from "../support/step_fixture.ts";
import { imageContract } from "./executor_image_contract.ts";
import { layerContract } from "./executor_layer_contract.ts";
import { mountContract } from "./executor_mount_contract.ts";
import { privilegeContract } from "./executor_privilege_contract.ts";
import { limitsContract } from "./executor_limits_contract.ts";
import { processContract } from "./executor_process_contract.ts";
import { rootContract } from "./executor_root_contract.ts";
import { surroundingsContract } from "./executor_surroundings_contract.ts";

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
  const check: Check = (criterion, run, skip) => {
    const reason = surroundings.skip ?? surroundings.exceptions?.[criterion] ?? skip;
    const name = `${executor.name}: ${criterion}${reason === undefined ? "" : ` (${reason})`}`;
    test(name, { skip: reason !== undefined && reason }, async () => {
      shared ??= openStepFixture(executor);
      await run(await shared);
    });
  };
  layerContract(check);
  processContract(check, surroundings);
  rootContract(check, surroundings);
  mountContract(check, surroundings);
  privilegeContract(check, surroundings);
  surroundingsContract(check);
  limitsContract(check, surroundings);
  imageContract(check, surroundings);

  // No after(): Deno calls none in a file with a test that is skipped.
  test(
    `${executor.name}: the session of these tests can be closed`,
    { skip: surroundings.skip ?? false },
    async () => await (await shared)?.[Symbol.asyncDispose](),
  );

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
          onOutput: (text) => text === "begun\n" && begun.resolve(),
        });
        step.catch(begun.reject);
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
