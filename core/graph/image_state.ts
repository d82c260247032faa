/**
 * What an image says at some vertex, as far as later steps can see and change it. Pure data: layers and times
 * are the business of those who build it.
 *
 * @see dockerfile2llb/convert.go of BuildKit, whose meaning of every instruction this keeps
 * @module
 */
import { posix } from "node:path";
import type { ContainerConfig, HistoryEntry, ImageConfig } from "../oci/image_config.ts";
import type { NameValue, OpPlatform, OptionalNameValue } from "./op.ts";

/** The image at a vertex. */
export interface ImageState {
  readonly platform: OpPlatform;
  /** The config without its history, creation time and layers. */
  readonly config: ImageConfig;
  /** Oldest first. Entries of this build have no `created`. */
  readonly history: readonly HistoryEntry[];
  /** Build arguments in scope, in the order of their declarations; one declared twice is here twice. */
  readonly args: readonly OptionalNameValue[];
  /** What a RUN step sees: of ENV and ARG the one that came last. In the order of the last change. */
  readonly environment: readonly NameValue[];
  /** Annotations of the manifest. */
  readonly annotations: ReadonlyMap<string, string>;
  /** ONBUILD instructions of the base image, taken off its config: only a frontend can run them. */
  readonly triggers: readonly string[];
}

/** PATH of images that set none, as Docker and BuildKit have it on all systems but Windows. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The image that says nothing: `FROM scratch`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { initialState } from "./image_state.ts";
 * const state = initialState({ os: "linux", architecture: "amd64" });
 * assert.equal(state.config.config?.WorkingDir, "/");
 * ```
 */
export function initialState(platform: OpPlatform): ImageState {
  const { os, architecture, variant } = platform;
  return stateFromImage({
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    config: { WorkingDir: "/" },
    rootfs: { type: "layers", diff_ids: [] },
  }, platform);
}

/**
 * What a stage inherits from a base image: the whole config, but neither its creation time nor its ONBUILD
 * instructions. PATH is added where it is lacking.
 *
 * @param platform The platform asked for. It stands in the result even if the image says another one.
 */
export function stateFromImage(image: ImageConfig, platform: OpPlatform): ImageState {
  const { created: _created, history = [], config: base = {}, variant: _variant, ...rest } = image;
  const { OnBuild: triggers = [], ...inherited } = base;
  const environment = (inherited.Env ?? []).map(splitVariable);
  if (platform.os !== "windows" && !environment.some(({ name }) => name === "PATH")) {
    environment.push({ name: "PATH", value: DEFAULT_PATH });
  }
  const config: ContainerConfig = {
    ...inherited,
    ...(environment.length === 0
      ? {}
      : { Env: environment.map(({ name, value }) => `${name}=${value}`) }),
    ...(inherited.WorkingDir ? { WorkingDir: posix.resolve("/", inherited.WorkingDir) } : {}),
  };
  const variant = variantOf(image, platform);
  return {
    platform,
    config: {
      ...rest,
      architecture: platform.architecture,
      os: platform.os,
      ...(variant === undefined ? {} : { variant }),
      config,
      rootfs: { type: "layers", diff_ids: [] },
    },
    history,
    args: [],
    environment: environment.reduce(withVariable, []),
    annotations: new Map(),
    triggers,
  };
}

/** A platform without a variant says nothing against that of an image for the same processor. */
function variantOf(image: ImageConfig, platform: OpPlatform): string | undefined {
  const same = image.os === platform.os && image.architecture === platform.architecture;
  return platform.variant ?? (same ? image.variant : undefined);
}

/** Sets a variable in a list that is in the order of last changes. */
export function withVariable(environment: readonly NameValue[], variable: NameValue): NameValue[] {
  return [...environment.filter(({ name }) => name !== variable.name), variable];
}

/** `NAME=value` in its parts. */
export function splitVariable(text: string): NameValue {
  const equals = text.indexOf("=");
  return equals < 0
    ? { name: text, value: "" }
    : { name: text.slice(0, equals), value: text.slice(equals + 1) };
}
