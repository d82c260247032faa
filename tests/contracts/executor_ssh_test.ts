/** The contract of executors, for remote through a real ssh server on this machine. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { noSshd, startSshd } from "../support/loopback_sshd.ts";
import { processesWith, until } from "../support/processes.ts";
import {
  nearbyRemote,
  REMOTE_EXCEPTIONS,
  remoteSurroundings,
  workerCommand,
} from "../support/remote_worker.ts";
import { openStepFixture } from "../support/step_fixture.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";
import { executorContract } from "./executor_contract.ts";

const surroundings = await remoteSurroundings();
const skip = surroundings.skip ?? noSshd;
const sshd = skip === undefined ? await startSshd() : undefined;

const throughSsh = (home: string): string[] => sshd?.command(workerCommand(home)) ?? [];

executorContract({ ...nearbyRemote(throughSsh), name: "ssh" }, {
  ...surroundings,
  ...skip === undefined ? {} : { skip },
  exceptions: REMOTE_EXCEPTIONS,
});

const name = "a connection that is cut in the middle of a step is an error, and nothing is left";
test(skip === undefined ? name : `${name} (${skip})`, { skip: skip ?? false }, async () => {
  using temporary = temporaryDirectory();
  const pidFile = join(temporary.path, "pid");
  const remember = ["sh", "-c", 'echo $$ >"$0"; exec "$@"', pidFile];
  let home = "";
  const executor = nearbyRemote((folder) => [...remember, ...throughSsh(home = folder)]);
  await using fixture = await openStepFixture(executor);
  const marker = `5${process.pid}77`;
  const begun = Promise.withResolvers<void>();
  const step = fixture.run(`echo begun; sleep ${marker}`, { onOutput: () => begun.resolve() });
  await Promise.race([begun.promise, step]);
  assert.notDeepEqual(processesWith(marker), []);
  process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
  await assert.rejects(step, { code: "RUN_WORKER_FAILED" });
  await assert.rejects(fixture.run("true"), { code: "RUN_WORKER_FAILED" });
  await until("the step ends", () => processesWith(marker).length === 0);
  await until("the worker tidies up", () => readdirSync(join(home, "tmp")).length === 0);
});

// No after(): Deno calls none in a file with a test that is skipped.
test("the ssh server of these tests can be ended", { skip: skip ?? false }, async () => {
  await sshd?.[Symbol.asyncDispose]();
});
