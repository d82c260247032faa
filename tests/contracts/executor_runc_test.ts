/** The contract of executors, for oci with runc: as whoever runs this. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { ociExecutor } from "../../plugins/runtime/mod.ts";
import { surroundingsOf } from "../support/executor_surroundings.ts";
import { openStepFixture } from "../support/step_fixture.ts";
import { executorContract } from "./executor_contract.ts";

const executor = { ...ociExecutor({ runtime: "runc" }), name: "oci (runc)" };
const surroundings = await surroundingsOf(executor);
executorContract(executor, surroundings);

/** What runc would name after a container of ours. */
function cgroupsOfContainers(directory = "/sys/fs/cgroup"): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [];
    const path = `${directory}/${entry.name}`;
    try {
      return [
        ...entry.name.includes(`layerwright-`) ? [path] : [],
        ...cgroupsOfContainers(path),
      ];
    } catch {
      // Another process has removed it meanwhile.
      return [];
    }
  });
}

test(
  "oci (runc): run() makes no control groups, so that none can be left when it is killed",
  { skip: surroundings.skip ?? false },
  async () => {
    await using fixture = await openStepFixture(executor);
    const begun = Promise.withResolvers<void>();
    const step = fixture.run("echo begun; sleep 1000", { onOutput: () => begun.resolve() });
    step.catch(begun.reject);
    await begun.promise;
    assert.deepEqual(cgroupsOfContainers(), []);
    const ended = assert.rejects(step);
    await fixture.session[Symbol.asyncDispose]();
    await ended;
    assert.deepEqual(cgroupsOfContainers(), []);
  },
);
