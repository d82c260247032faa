/**
 * What a step leaves in the history of an image, in BuildKit's words.
 *
 * @see dockerfile2llb/convert.go of BuildKit, "commitToHistory"
 * @module
 */
import type { HistoryEntry } from "../oci/image_config.ts";
import { commandLine, healthcheckConfig, resolvePath } from "./effective_config.ts";
import { goDuration, goQuoteList } from "./go_format.ts";
import type { ImageState } from "./image_state.ts";
import type {
  ConfigChange,
  CopyOp,
  FileOp,
  Healthcheck,
  NameValue,
  Op,
  OwnerSpec,
  RunOp,
} from "./op.ts";
import { expandPorts } from "./port_spec.ts";
import { isRoot } from "./root_path.ts";

const DOCKERFILE_COMMENT = "buildkit.dockerfile.v0";
const EXPORTER_COMMENT = "buildkit.exporter.image.v0";

/**
 * The entry of one operation.
 *
 * @param before The state the operation starts from.
 * @returns The entry without its time; one for a layer has no `empty_layer`. Undefined for what leaves none:
 * sources, ONBUILD, annotations, the config's half of a WORKDIR, merges and diffs (whose entries are a matter
 * of their inputs).
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { historyEntry } from "./history.ts";
 * import { initialState } from "./image_state.ts";
 * const state = initialState({ os: "linux", architecture: "amd64" });
 * const change = { kind: "cmd", command: { form: "exec", args: ["a b"] } } as const;
 * assert.deepEqual(historyEntry({ type: "config", change }, state), {
 *   created_by: 'CMD ["a b"]',
 *   comment: "buildkit.dockerfile.v0",
 *   empty_layer: true,
 * });
 * ```
 */
export function historyEntry(op: Op, before: ImageState): HistoryEntry | undefined {
  switch (op.type) {
    case "copy":
      return { created_by: `${copyText(op)} # buildkit`, comment: DOCKERFILE_COMMENT };
    case "run":
      return { created_by: `${runText(op, before)} # buildkit`, comment: DOCKERFILE_COMMENT };
    case "file":
      return fileEntry(op, before);
    case "config": {
      const text = changeText(op.change, before);
      if (text === undefined) return undefined;
      return { created_by: text, comment: DOCKERFILE_COMMENT, empty_layer: true };
    }
    default:
      return undefined;
  }
}

/** `user:group`, as `--chown` has it. */
export function ownerText({ user, group }: OwnerSpec): string {
  return group === undefined ? user : `${user}:${group}`;
}

function copyText(op: CopyOp): string {
  const words: string[] = [op.instruction];
  if (op.parents) words.push("--parents");
  if (op.owner !== undefined) words.push(`--chown=${ownerText(op.owner)}`);
  if (op.mode.kind === "chmod") words.push(`--chmod=${op.mode.spec}`);
  words.push(...op.sources, ...op.inline.map(({ name }) => `<<${name}`), op.destination);
  return words.join(" ");
}

function runText(op: RunOp, before: ImageState): string {
  const environment = new Map(before.environment.map(({ name, value }) => [name, value]));
  // A variable's value now, which an ENV of the same name may have set since.
  const args = new Map(
    before.args.map(({ name, value = "" }) => [name, environment.get(name) ?? value]),
  );
  const scope = args.size === 0
    ? []
    : [`|${args.size}`, ...[...args].map(([name, value]) => `${name}=${value}`)];
  return ["RUN", ...scope, ...commandLine(before, op.command)].join(" ");
}

function fileEntry(op: FileOp, before: ImageState): HistoryEntry {
  const [first] = op.actions;
  if (op.instruction === "WORKDIR" && first !== undefined) {
    return {
      created_by: `WORKDIR ${resolvePath(before, first.path)}`,
      comment: DOCKERFILE_COMMENT,
    };
  }
  const actions = op.actions.map(({ kind, path }) => `${kind} ${path}`);
  return { created_by: actions.join(", "), comment: EXPORTER_COMMENT };
}

function changeText(change: ConfigChange, before: ImageState): string | undefined {
  switch (change.kind) {
    case "env":
      return ["ENV", ...change.variables.map(pairText)].join(" ");
    case "arg":
      return [
        "ARG",
        ...change.variables.map(({ name, value }) =>
          value === undefined ? name : `${name}=${value}`
        ),
      ]
        .join(" ");
    case "label":
      return change.unrecorded ? undefined : ["LABEL", ...change.labels.map(pairText)].join(" ");
    case "workdir":
      // Any other directory was made by a FileOp, which has the entry of both.
      return isRoot(change.path) ? "WORKDIR /" : undefined;
    case "user":
      return `USER ${change.user}`;
    case "expose":
      return `EXPOSE [${change.ports.flatMap((port) => expandPorts(port) ?? []).join(" ")}]`;
    case "volume":
      return `VOLUME [${change.paths.join(" ")}]`;
    case "entrypoint":
      return `ENTRYPOINT ${goQuoteList(commandLine(before, change.command))}`;
    case "cmd":
      return `CMD ${goQuoteList(commandLine(before, change.command))}`;
    case "shell":
      return `SHELL [${change.shell.join(" ")}]`;
    case "healthcheck":
      return `HEALTHCHECK ${healthcheckText(change.healthcheck)}`;
    case "stop-signal":
      return `STOPSIGNAL ${change.signal}`;
    case "author":
      return `MAINTAINER ${change.author}`;
    case "onbuild":
    case "annotation":
      return undefined;
  }
}

function pairText({ name, value }: NameValue): string {
  return `${name}=${value}`;
}

type HealthcheckOptions = Omit<Extract<Healthcheck, { kind: "test" }>, "kind" | "command">;

/** Go's `%+v` of the struct. */
function healthcheckText(healthcheck: Healthcheck): string {
  const numbers: HealthcheckOptions = healthcheck.kind === "test" ? healthcheck : {};
  const test = healthcheckConfig(healthcheck).Test ?? [];
  return `{Test:[${test.join(" ")}] Interval:${goDuration(numbers.intervalMs ?? 0)} ` +
    `Timeout:${goDuration(numbers.timeoutMs ?? 0)} StartPeriod:${
      goDuration(numbers.startPeriodMs ?? 0)
    } ` +
    `StartInterval:${goDuration(numbers.startIntervalMs ?? 0)} Retries:${numbers.retries ?? 0}}`;
}
