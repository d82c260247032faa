/**
 * The mounts of a RUN step as an executor wants them.
 *
 * @module
 */
import type { CacheMount, Mount } from "../graph/op.ts";
import type { ResolvedMount } from "./executor.ts";
import { inputOf, type MountingStep, targetOf } from "./mount_preimage.ts";
import type { Runner } from "./runner_pool.ts";
import { holdCaches } from "./step_caches.ts";
import { resolveSecret, resolveSsh } from "./step_credentials.ts";
import type { Workbench } from "./workbench.ts";

/** Mounts as an executor wants them, and the variables that come with them, by name. */
export interface StepMounts {
  readonly mounts: readonly ResolvedMount[];
  readonly variables: ReadonlyMap<string, string>;
}

/**
 * Calls `use` with the mounts of a step. Caches that are not shared are this step's alone meanwhile.
 *
 * @throws {LayerwrightError} `SECRET_MISSING`, `SSH_MISSING` for what the step requires and the build was not given;
 * `FILE_MISSING` for the files a cache begins with; `RUN_UNSUPPORTED` for what cannot be mounted here.
 */
export async function withMounts<T>(
  bench: Workbench,
  step: MountingStep,
  runner: Runner,
  use: (mounts: StepMounts) => Promise<T>,
): Promise<T> {
  await using held = new AsyncDisposableStack();
  const variables = new Map<string, string>();
  const resolved: ResolvedMount[] = [];
  // What the step lacks should be told before it waits for a cache.
  for (const mount of step.op.mounts) {
    if (mount.type !== "cache") {
      resolved.push(...await resolve(bench, step, runner, mount, variables));
    }
  }
  const directories = await holdCaches(bench, step, runner, held);
  for (const mount of step.op.mounts) {
    const path = mount.type === "cache" ? directories.get(mount) : undefined;
    if (mount.type !== "cache" || path === undefined) continue;
    const target = targetOf(mount, step.state) ?? "";
    resolved.push({ type: "directory", target, path, readOnly: mount.readOnly });
  }
  return await use({ mounts: resolved, variables });
}

/** One mount that is no cache; a secret or an agent that the build has not is none. */
async function resolve(
  bench: Workbench,
  step: MountingStep,
  runner: Runner,
  mount: Exclude<Mount, CacheMount>,
  variables: Map<string, string>,
): Promise<ResolvedMount[]> {
  const target = targetOf(mount, step.state) ?? "";
  switch (mount.type) {
    case "bind": {
      const lowers = await runner.snapshots.lowersOf(inputOf(mount.input, step.inputs).layers);
      const { source, readWrite } = mount;
      return [{ type: "layers", target, lowers, source, readWrite }];
    }
    case "tmpfs": {
      const { sizeBytes } = mount;
      return [{ type: "tmpfs", target, ...sizeBytes === undefined ? {} : { sizeBytes } }];
    }
    case "secret":
      return resolveSecret(bench, mount, target, variables);
    case "ssh":
      return await resolveSsh(bench, step, mount, variables);
  }
}
