/**
 * What of the mounts of a RUN step is in its key.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { CanonicalValue } from "../graph/canonical_json.ts";
import { resolvePath } from "../graph/effective_config.ts";
import type { ImageState } from "../graph/image_state.ts";
import type { Mount, RunOp } from "../graph/op.ts";
import { secretDigest } from "./secrets.ts";
import { chainOf, type LayerRef } from "./vertex_result.ts";
import type { Workbench } from "./workbench.ts";

/** An input that a mount shows: the layers of a stage, or a context packed as one. */
export interface MountInput {
  readonly layers: readonly LayerRef[];
}

/** A step whose mounts are to be had. */
export interface MountingStep {
  readonly op: RunOp;
  readonly state: ImageState;
  readonly inputs: ReadonlyMap<number, MountInput>;
}

/**
 * What of a mount decides the step's result. The content of caches and secrets does not, by definition, unless a secret
 * asks for it: then a salted digest does.
 *
 * @throws {LayerwrightError} as {@link Secrets.valueOf}, for a secret that asks for it.
 */
export function mountPreimage(
  bench: Workbench,
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
    case "secret": {
      const value = mount.invalidates === true ? bench.secrets.valueOf(mount) : undefined;
      const valueDigest = value === undefined
        ? undefined
        : secretDigest(bench.store, value, bench.planning);
      return { ...mount, target, valueDigest };
    }
    case "ssh":
      return { ...mount, target };
  }
}

/** Absolute, as the working directory in force makes it. */
export function targetOf({ target }: Mount, state: ImageState): string | undefined {
  return target === undefined ? undefined : resolvePath(state, target);
}

/** @throws {LayerwrightError} `GRAPH_INVALID` for an input that a step has not. */
export function inputOf(index: number, inputs: ReadonlyMap<number, MountInput>): MountInput {
  const input = inputs.get(index);
  if (input === undefined) {
    throw new LayerwrightError(
      "GRAPH_INVALID",
      `Cannot mount input ${index} of a step: it has no such input`,
    );
  }
  return input;
}
