/**
 * Running build steps: in crun where it is installed, else with the tools of util-linux; as root, or in a user
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

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const PROBE: string = "./probe.ts";
const SESSION: string = "./session.ts";

/**
 * Runs steps in crun, under the seccomp profile of the distribution.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { ociExecutor } from "./mod.ts";
 * const probe = await ociExecutor().probe();
 * assert.ok(probe.usable || probe.findings.some(({ found }) => !found));
 * ```
 */
export function ociExecutor(): Executor {
  return executorOf("oci", "crun");
}

/** Runs steps with unshare(1) and setpriv(1): the same privileges as under crun, but no seccomp filter. */
export function utilExecutor(): Executor {
  return executorOf("util", "util");
}

/** All executors of this folder, the preferred one first. */
export function executorLadder(): Executor[] {
  return [ociExecutor(), utilExecutor()];
}

/** RUN, for an engine. */
export const runtimePlugin: Plugin = definePlugin({ name: "runtime", executors: executorLadder() });

function executorOf(name: string, runtime: RuntimeName): Executor {
  return {
    name,
    probe: () => probeWhenNeeded(runtime),
    async open(options): Promise<ExecSession> {
      const { usable, privileges, findings } = await probeWhenNeeded(runtime);
      if (!usable) {
        throw new LayerwrightError(
          "RUNTIME_MISSING",
          `Cannot run steps with the executor "${name}"`,
          {
            details: findings.filter(({ found }) => !found).map((finding) =>
              `${finding.name}: ${finding.detail}`
            ),
          },
        );
      }
      const { openSession }: typeof import("./session.ts") = await import(SESSION);
      return await openSession({ ...options, runtime, privileges });
    },
  };
}

/** Loads what runs steps only for a build that has one to run. */
async function probeWhenNeeded(runtime: RuntimeName): Promise<RuntimeProbe> {
  const { probeRuntime }: typeof import("./probe.ts") = await import(PROBE);
  return await probeRuntime(runtime);
}
