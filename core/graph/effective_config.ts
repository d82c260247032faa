/**
 * How operations read and change what an image says.
 *
 * @see dockerfile2llb/convert.go of BuildKit, whose meaning of every instruction this keeps
 * @module
 */
import { posix } from "node:path";
import type {
  ContainerConfig,
  Healthcheck as HealthcheckConfig,
  ImageConfig,
} from "../oci/image_config.ts";
import { type ImageState, splitVariable, withVariable } from "./image_state.ts";
import type {
  Command,
  ConfigChange,
  Healthcheck,
  NameValue,
  OptionalNameValue,
  RunOp,
} from "./op.ts";
import { expandPorts } from "./port_spec.ts";

const NANOSECONDS_PER_MS = 1_000_000;
// Requests to BuildKit's SBOM scanner in the guise of build arguments.
const NEVER_IN_ENVIRONMENT: ReadonlySet<string> = new Set([
  "BUILDKIT_SBOM_SCAN_CONTEXT",
  "BUILDKIT_SBOM_SCAN_STAGE",
]);

/**
 * The state after a config change. History is not part of it: see `historyEntry`.
 *
 * @example ENV is seen by later steps and by containers, ARG by later steps alone
 * ```ts
 * import assert from "node:assert/strict";
 * import { applyConfigChange } from "./effective_config.ts";
 * import { initialState } from "./image_state.ts";
 * const scratch = initialState({ os: "linux", architecture: "amd64" });
 * const state = applyConfigChange(scratch, { kind: "arg", variables: [{ name: "A", value: "1" }] });
 * assert.deepEqual(state.environment.at(-1), { name: "A", value: "1" });
 * assert.deepEqual(state.config, scratch.config);
 * ```
 */
export function applyConfigChange(state: ImageState, change: ConfigChange): ImageState {
  const config = state.config.config ?? {};
  switch (change.kind) {
    case "env":
      return {
        ...withConfig(state, {
          ...config,
          Env: change.variables.reduce(withEnv, config.Env ?? []),
        }),
        environment: change.variables.reduce(withVariable, state.environment),
      };
    case "arg":
      return {
        ...state,
        args: [...state.args, ...change.variables],
        environment: change.variables.reduce(withArgument, state.environment),
      };
    case "label": {
      const labels = change.labels.map(({ name, value }) => [name, value] as const);
      const all = Object.fromEntries([...Object.entries(config.Labels ?? {}), ...labels]);
      return withConfig(state, { ...config, Labels: all });
    }
    case "annotation": {
      const added = change.annotations.map(({ name, value }) => [name, value] as const);
      return { ...state, annotations: new Map([...state.annotations, ...added]) };
    }
    case "workdir":
      return withConfig(state, { ...config, WorkingDir: resolvePath(state, change.path) });
    case "user":
      return withConfig(state, { ...config, User: change.user });
    case "expose": {
      const ports = withKeys(
        config.ExposedPorts,
        change.ports.flatMap((port) => expandPorts(port) ?? []),
      );
      return withConfig(state, { ...config, ExposedPorts: ports });
    }
    case "volume":
      return withConfig(state, { ...config, Volumes: withKeys(config.Volumes, change.paths) });
    case "entrypoint": {
      const { Entrypoint: _entrypoint, Cmd: cmd, ...rest } = config;
      const entrypoint = commandLine(state, change.command);
      return withConfig(state, {
        ...rest,
        ...(entrypoint.length === 0 ? {} : { Entrypoint: entrypoint }),
        ...(change.keepsCommand && cmd !== undefined ? { Cmd: cmd } : {}),
      });
    }
    case "cmd": {
      const { Cmd: _cmd, ...rest } = config;
      const cmd = commandLine(state, change.command);
      return withConfig(state, {
        ...rest,
        ...(cmd.length === 0 ? {} : { Cmd: cmd }),
        // Deprecated and meant for Windows, but BuildKit sets it everywhere.
        ArgsEscaped: true,
      });
    }
    case "shell":
      return withConfig(state, { ...config, Shell: change.shell });
    case "healthcheck":
      return withConfig(state, { ...config, Healthcheck: healthcheckConfig(change.healthcheck) });
    case "stop-signal":
      return withConfig(state, { ...config, StopSignal: change.signal });
    case "onbuild":
      return withConfig(state, {
        ...config,
        OnBuild: [...config.OnBuild ?? [], change.instruction],
      });
    case "author":
      return { ...state, config: { ...state.config, author: change.author } };
  }
}

/**
 * The environment of a RUN step: of the ENV and ARG of a name the one that came last, then the step's own.
 *
 * @returns No name twice. The step's own variables are last, in the order of their names.
 */
export function runEnvironment(state: ImageState, op: Pick<RunOp, "environment">): NameValue[] {
  // The op says nothing of an order, and its digest knows none.
  const own = Object.entries(op.environment).sort(([a], [b]) => a < b ? -1 : 1);
  return own.reduce<readonly NameValue[]>(
    (environment, [name, value]) => withVariable(environment, { name, value }),
    state.environment,
  ).slice();
}

/**
 * A path as a step means it: relative ones are below the working directory.
 *
 * @returns Absolute, without `.`, `..` and a slash at the end.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { applyConfigChange, resolvePath } from "./effective_config.ts";
 * import { initialState } from "./image_state.ts";
 * const scratch = initialState({ os: "linux", architecture: "amd64" });
 * const state = applyConfigChange(scratch, { kind: "workdir", path: "srv" });
 * assert.equal(resolvePath(state, "../etc/./motd"), "/etc/motd");
 * assert.equal(resolvePath(state, "."), "/srv");
 * ```
 */
export function resolvePath(state: ImageState, path: string): string {
  return posix.resolve("/", state.config.config?.WorkingDir ?? "/", path);
}

/** The argument vector of a command: in shell form, the shell in force and one string. */
export function commandLine(state: ImageState, command: Command): string[] {
  if (command.form === "exec") return [...command.args];
  return [...shellOf(state.config), command.script];
}

function shellOf({ config, os }: ImageConfig): readonly string[] {
  if (config?.Shell !== undefined && config.Shell.length > 0) return config.Shell;
  return os === "windows" ? ["cmd", "/S", "/C"] : ["/bin/sh", "-c"];
}

/**
 * A health check as the config has it. Its shell form does not use the image's shell: Docker finds that
 * when the check runs.
 */
export function healthcheckConfig(healthcheck: Healthcheck): HealthcheckConfig {
  if (healthcheck.kind === "none") return { Test: ["NONE"] };
  const { command } = healthcheck;
  const { intervalMs = 0, timeoutMs = 0, startPeriodMs = 0, startIntervalMs = 0, retries = 0 } =
    healthcheck;
  return {
    Test: command.form === "shell" ? ["CMD-SHELL", command.script] : ["CMD", ...command.args],
    ...(intervalMs === 0 ? {} : { Interval: intervalMs * NANOSECONDS_PER_MS }),
    ...(timeoutMs === 0 ? {} : { Timeout: timeoutMs * NANOSECONDS_PER_MS }),
    ...(startPeriodMs === 0 ? {} : { StartPeriod: startPeriodMs * NANOSECONDS_PER_MS }),
    ...(startIntervalMs === 0 ? {} : { StartInterval: startIntervalMs * NANOSECONDS_PER_MS }),
    ...(retries === 0 ? {} : { Retries: retries }),
  };
}

function withConfig(state: ImageState, config: ContainerConfig): ImageState {
  return { ...state, config: { ...state.config, config } };
}

/** The image's own list keeps the place of a variable that is set again. */
function withEnv(env: readonly string[], { name, value }: NameValue): string[] {
  const variable = `${name}=${value}`;
  const index = env.findIndex((one) => splitVariable(one).name === name);
  return index < 0 ? [...env, variable] : env.with(index, variable);
}

function withArgument(
  environment: readonly NameValue[],
  { name, value }: OptionalNameValue,
): readonly NameValue[] {
  if (value === undefined || NEVER_IN_ENVIRONMENT.has(name)) return environment;
  return withVariable(environment, { name, value });
}

function withKeys(
  set: Readonly<Record<string, object>> | undefined,
  keys: readonly string[],
): Record<string, object> {
  return Object.fromEntries([...Object.keys(set ?? {}), ...keys].map((key) => [key, {}]));
}
