/**
 * The image config: what a container of the image starts with, its layers by DiffID, its history.
 *
 * @see OCI image-spec v1.1, config.md; moby/docker-image-spec for the keys that only Docker has
 * @module
 */
import * as v from "valibot";
import type { DiffID } from "./digest.ts";
import { goJson, type KeyOrder } from "./json.ts";
import {
  digest,
  keySet,
  list,
  optional,
  parseDocument,
  record,
  type SchemaOf,
  stringMap,
  timestamp,
} from "./schema.ts";

/** An image config, spelled as in its JSON. Unknown keys of a parsed one are kept. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  /** RFC 3339. */
  readonly created?: string;
  readonly author?: string;
  readonly config?: ContainerConfig;
  readonly rootfs: RootFs;
  readonly history?: readonly HistoryEntry[];
}

/** The layers of the image. */
export interface RootFs {
  readonly type: "layers";
  /** Base layer first. */
  readonly diff_ids: readonly DiffID[];
}

/** One step of how the image came about, the oldest first. */
export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  /** True: the step added no layer. The others stand for the layers, in order. */
  readonly empty_layer?: boolean;
}

/** How a container of the image starts. The last four keys are Docker's. */
export interface ContainerConfig {
  readonly User?: string;
  /** `80/tcp`, `53/udp`: a set. */
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  /** `NAME=value`. */
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** Paths: a set. */
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  /** Windows: Entrypoint or Cmd is one command line already. Docker sets it everywhere. */
  readonly ArgsEscaped?: boolean;
  readonly Healthcheck?: Healthcheck;
  readonly OnBuild?: readonly string[];
  readonly Shell?: readonly string[];
}

/** How to ask a container whether it works. Durations are nanoseconds; absent means inherited. */
export interface Healthcheck {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`. */
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

const strings = v.array(v.string());
const flag = v.boolean();
const duration = v.pipe(v.number(), v.integer(), v.minValue(0));

const configSchema: SchemaOf<ImageConfig> = record<ImageConfig>({
  architecture: v.pipe(v.string(), v.nonEmpty()),
  os: v.pipe(v.string(), v.nonEmpty()),
  variant: optional(v.string()),
  "os.version": optional(v.string()),
  "os.features": optional(strings),
  created: optional(timestamp),
  author: optional(v.string()),
  config: optional(record<ContainerConfig>({
    User: optional(v.string()),
    ExposedPorts: optional(keySet),
    Env: optional(strings),
    Entrypoint: optional(strings),
    Cmd: optional(strings),
    Volumes: optional(keySet),
    WorkingDir: optional(v.string()),
    Labels: optional(stringMap),
    StopSignal: optional(v.string()),
    ArgsEscaped: optional(flag),
    Healthcheck: optional(record<Healthcheck>({
      Test: optional(strings),
      Interval: optional(duration),
      Timeout: optional(duration),
      StartPeriod: optional(duration),
      StartInterval: optional(duration),
      Retries: optional(duration),
    })),
    OnBuild: optional(strings),
    Shell: optional(strings),
  })),
  rootfs: record<RootFs>({ type: v.literal("layers"), diff_ids: list(digest) }),
  history: optional(v.array(record<HistoryEntry>({
    created: optional(timestamp),
    created_by: optional(v.string()),
    author: optional(v.string()),
    comment: optional(v.string()),
    empty_layer: optional(flag),
  }))),
});

const CONTAINER_KEYS: KeyOrder = {
  first: (
    "User ExposedPorts Env Entrypoint Cmd Volumes WorkingDir Labels StopSignal ArgsEscaped " +
    "Healthcheck OnBuild Shell"
  ).split(" "),
  inside: {
    Healthcheck: {
      first: ["Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"],
    },
  },
};

// BuildKit passes the outermost object through a Go map, which sorts its keys, and what is inside
// through Go structs, which keep theirs.
const CONFIG_KEYS: KeyOrder = {
  inside: {
    config: CONTAINER_KEYS,
    history: { first: ["created", "created_by", "author", "comment", "empty_layer"] },
    rootfs: { first: ["type", "diff_ids"] },
  },
};

/**
 * Parses an image config of either family.
 *
 * @throws {LayerwrightError} `IMAGE_CONFIG_INVALID` with one detail line for each thing that is wrong.
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  return parseDocument(bytes, configSchema, {
    name: "image config",
    code: "IMAGE_CONFIG_INVALID",
    limitBytes: 8 * 1024 * 1024,
  });
}

/**
 * Prints an image config: no white space; the outermost keys, sets and maps sorted, the keys inside in
 * the order of Go's structs with unknown ones last: as BuildKit does. The digest of these bytes is the ImageID.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { serializeImageConfig } from "./image_config.ts";
 * const bytes = serializeImageConfig({
 *   rootfs: { diff_ids: [], type: "layers" },
 *   os: "linux",
 *   architecture: "amd64",
 *   config: { WorkingDir: "/", Env: ["A=<b>"] },
 * });
 * assert.equal(
 *   new TextDecoder().decode(bytes),
 *   '{"architecture":"amd64","config":{"Env":["A=\\u003cb\\u003e"],"WorkingDir":"/"},' +
 *     '"os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
 * );
 * ```
 */
export function serializeImageConfig(config: ImageConfig): Uint8Array {
  return new TextEncoder().encode(goJson(config, CONFIG_KEYS));
}
