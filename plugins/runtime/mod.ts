/**
 * Running build steps: in crun or runc where one is installed, else with the tools of util-linux; as root, or in a user
 * namespace.
 *
 * @module
 */
import {
  definePlugin,
  type ExecSession,
  type Executor,
  LayerwrightError,
  type Plugin,
} from "../../core/mod.ts";
import type { RuntimeProbe } from "./probe.ts";
import type { RuntimeName } from "./protocol.ts";
import { remoteExecutorOfEnvironment } from "./remote_executor.ts";

export { remoteExecutor, type RemoteOptions, remoteRuntime } from "./remote_executor.ts";

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const PROBE: string = "./probe.ts";
const SESSION: string = "./session.ts";
const REMOTE_WORKER: string = "./remote_worker.ts";

/** Which container runtime is used. */
export interface OciOptions {
  /** crun if there is one, else runc, which takes several times as long to start a step. */
  readonly runtime?: "crun" | "runc";
}

/**
 * Runs steps in crun or runc, under the seccomp profile of the distribution.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { ociExecutor } from "./mod.ts";
 * const probe = await ociExecutor().probe();
 * assert.ok(probe.usable || probe.findings.some(({ found }) => !found));
 * ```
 */
export function ociExecutor(options: OciOptions = {}): Executor {
  return executorOf("oci", options.runtime === undefined ? ["crun", "runc"] : [options.runtime]);
}

/** Runs steps with unshare(1) and setpriv(1): the same privileges as under crun, but no seccomp filter. */
export function utilExecutor(): Executor {
  return executorOf("util", ["util"]);
}

/** The executors of this machine, the preferred one first. */
export function executorLadder(): Executor[] {
  return [ociExecutor(), utilExecutor()];
}

/** RUN, for an engine: on the machine that `LAYERWRIGHT_REMOTE` names if it does, else here. */
export const runtimePlugin: Plugin = definePlugin({
  name: "runtime",
  executors: [remoteExecutorOfEnvironment(), ...executorLadder()],
  async worker(surroundings): Promise<void> {
    const { serveSteps }: typeof import("./remote_worker.ts") = await import(REMOTE_WORKER);
    await serveSteps(surroundings);
  },
});

function executorOf(name: string, runtimes: readonly RuntimeName[]): Executor {
  return {
    name,
    probe: () => probeWhenNeeded(runtimes),
    async open(options): Promise<ExecSession> {
      const { usable, findings, ...found } = await probeWhenNeeded(runtimes);
      if (!usable) {
        throw new LayerwrightError(
          "RUNTIME_MISSING",
          `Cannot run steps with the executor "${name}"`,
          {
            details: findings.filter((one) => !one.found && one.optional !== true).map((finding) =>
              `${finding.name}: ${finding.detail}`
            ),
          },
        );
      }
      const { runtime, privileges, sharesProcesses } = found;
      const { openSession }: typeof import("./session.ts") = await import(SESSION);
      return await openSession({ ...options, runtime, privileges, sharesProcesses });
    },
  };
}

/** Loads what runs steps only for a build that has one to run. */
async function probeWhenNeeded(runtimes: readonly RuntimeName[]): Promise<RuntimeProbe> {
  const { probeRuntime }: typeof import("./probe.ts") = await import(PROBE);
  return await probeRuntime(runtimes);
}
