/**
 * The mounts of a RUN step: what of them is in the key, and what they are on disk.
 *
 * @module
 */
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { LayerwrightError } from "../errors.ts";
import type { CanonicalValue } from "../graph/canonical_json.ts";
import { resolvePath } from "../graph/effective_config.ts";
import type { ImageState } from "../graph/image_state.ts";
import type { CacheMount, Mount, RunOp } from "../graph/op.ts";
import { digestHex, sha256 } from "../oci/digest.ts";
import type { ResolvedMount } from "./executor.ts";
import type { Snapshots } from "./snapshots.ts";
import { chainOf, type LayerRef } from "./vertex_result.ts";
import type { Workbench } from "./workbench.ts";

/** An input that a mount shows: the layers of a stage, or a context packed as one. */
export interface MountInput {
  readonly layers: readonly LayerRef[];
}

/** What of a mount decides the step's result. The content of caches and secrets does not, by definition. */
export function mountPreimage(
  mount: Mount,
  state: ImageState,
  inputs: ReadonlyMap<number, MountInput>,
): CanonicalValue {
  const target = targetOf(mount, state);
  switch (mount.type) {
    case "bind": {
      const { layers } = inputOf(mount.input, inputs);
      const content = chainOf(layers);
      return {
        type: "bind",
        target,
        source: mount.source,
        readWrite: mount.readWrite,
        content,
      };
    }
    case "cache":
      return { type: "cache", target, readOnly: mount.readOnly };
    case "tmpfs":
      return { type: "tmpfs", target, sizeBytes: mount.sizeBytes };
    case "secret":
    case "ssh":
      return { ...mount, target };
  }
}

/**
 * Calls `use` with the mounts as an executor wants them. Caches that are not shared are this step's alone meanwhile.
 *
 * @throws {LayerwrightError} `RUN_UNSUPPORTED` for kinds that no executor can mount yet.
 */
export async function withMounts<T>(
  bench: Workbench,
  step: {
    readonly op: RunOp;
    readonly state: ImageState;
    readonly inputs: ReadonlyMap<number, MountInput>;
  },
  snapshots: Snapshots,
  use: (mounts: readonly ResolvedMount[]) => Promise<T>,
): Promise<T> {
  const resolved: ResolvedMount[] = [];
  const exclusive = new Set<string>();
  for (const mount of step.op.mounts) {
    const target = targetOf(mount, step.state) ?? "";
    switch (mount.type) {
      case "bind": {
        const lowers = await snapshots.lowersOf(inputOf(mount.input, step.inputs).layers);
        resolved.push({
          type: "layers",
          target,
          lowers,
          source: mount.source,
          readWrite: mount.readWrite,
        });
        break;
      }
      case "cache": {
        const path = openCache(bench, mount);
        // A private cache could as well be a second copy; one user at a time keeps it as useful, at the price of waiting.
        if (mount.sharing !== "shared") exclusive.add(path);
        resolved.push({ type: "directory", target, path, readOnly: mount.readOnly });
        break;
      }
      case "tmpfs":
        resolved.push({
          type: "tmpfs",
          target,
          ...(mount.sizeBytes === undefined ? {} : { sizeBytes: mount.sizeBytes }),
        });
        break;
      case "secret":
      case "ssh":
        throw new LayerwrightError(
          "RUN_UNSUPPORTED",
          `Cannot mount a ${mount.type} in a step: not supported yet`,
          {
            hint: `remove the ${mount.type} mount`,
          },
        );
    }
  }
  // In one order everywhere, so that two steps cannot wait for each other.
  return await holding(bench, [...exclusive].sort(), () => use(resolved));
}

/** Absolute, as the working directory in force makes it. */
function targetOf({ target }: Mount, state: ImageState): string | undefined {
  return target === undefined ? undefined : resolvePath(state, target);
}

async function holding<T>(
  bench: Workbench,
  keys: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const [key, ...rest] = keys;
  if (key === undefined) return await work();
  return await bench.store.withLock(
    `cache mount ${key}`,
    bench.signal,
    () => holding(bench, rest, work),
  );
}

function inputOf(index: number, inputs: ReadonlyMap<number, MountInput>): MountInput {
  const input = inputs.get(index);
  if (input === undefined) {
    throw new LayerwrightError(
      "GRAPH_INVALID",
      `Cannot mount input ${index} of a step: it has no such input`,
    );
  }
  return input;
}

/** The directory of a cache, made when it is new. */
function openCache(bench: Workbench, mount: CacheMount): string {
  const name = digestHex(sha256(mount.id)).slice(0, 32);
  const path = join(bench.store.home, "cache-mounts", name);
  if (mkdirSync(path, { recursive: true }) !== undefined) {
    chmodSync(path, mount.mode);
    if (mount.uid !== 0 || mount.gid !== 0) chownSync(path, mount.uid, mount.gid);
  }
  return path;
}
