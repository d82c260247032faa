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
import { probeRuntime } from "./probe.ts";
import type { RuntimeName } from "./protocol.ts";
import { openSession } from "./session.ts";

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
    probe: () => probeRuntime(runtime),
    async open(options): Promise<ExecSession> {
      const { usable, privileges, findings } = await probeRuntime(runtime);
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
      return await openSession({ ...options, runtime, privileges });
    },
  };
}
