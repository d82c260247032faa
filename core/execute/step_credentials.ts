/**
 * Secrets and agents as the mounts and variables of a step.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { SecretMount, SshMount } from "../graph/op.ts";
import type { ResolvedMount } from "./executor.ts";
import { type MountingStep, targetOf } from "./mount_preimage.ts";
import type { Workbench } from "./workbench.ts";

/**
 * A secret as a file, a variable, or both; nothing if the build has it not.
 *
 * @param target Absolute; empty for no file.
 * @throws {LayerwrightError} `SECRET_MISSING`; `RUN_UNSUPPORTED` for a value that no variable can hold.
 */
export function resolveSecret(
  bench: Workbench,
  mount: SecretMount,
  target: string,
  variables: Map<string, string>,
): ResolvedMount[] {
  const value = bench.secrets.valueOf(mount);
  if (value === undefined) return [];
  if (mount.environment !== undefined) variables.set(mount.environment, variableOf(mount, value));
  if (target === "") return [];
  const { mode, uid, gid } = mount;
  const base64 = Buffer.from(value).toString("base64");
  return [{ type: "secret", target, base64, mode, uid, gid }];
}

/** The longest string that execve(2) takes, MAX_ARG_STRLEN, less its NUL. */
const VARIABLE_LIMIT_BYTES = 131_071;

function variableOf({ id, environment = "" }: SecretMount, value: Uint8Array): string {
  const refuse = (why: string): never => {
    throw new LayerwrightError(
      "RUN_UNSUPPORTED",
      `Cannot put secret ${JSON.stringify(id)} into the variable "${environment}": ${why}`,
      { hint: "mount it as a file: secretMount(id, { target })" },
    );
  };
  if (value.includes(0)) return refuse("it has a zero byte, which ends a variable");
  if (environment.length + 1 + value.length > VARIABLE_LIMIT_BYTES) {
    return refuse("it is longer than a variable can be, 128 KiB");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return refuse("it is not UTF-8");
  }
}

/**
 * The socket of an agent and the variable that names it; nothing if the build has it not.
 *
 * @throws {LayerwrightError} `SSH_MISSING`.
 */
export async function resolveSsh(
  bench: Workbench,
  { op, state }: MountingStep,
  mount: SshMount,
  variables: Map<string, string>,
): Promise<ResolvedMount[]> {
  const path = await bench.agents.socketOf(mount);
  if (path === undefined) return [];
  const number = op.mounts.filter(({ type }) => type === "ssh").indexOf(mount);
  const target = targetOf(mount, state) ?? `/run/buildkit/ssh_agent.${number}`;
  // Of several agents the first is the one that programs find.
  if (!variables.has(SSH_VARIABLE)) variables.set(SSH_VARIABLE, target);
  const { mode, uid, gid } = mount;
  return [{ type: "socket", target, path, mode, uid, gid }];
}

/** Where programs look for an agent. */
const SSH_VARIABLE = "SSH_AUTH_SOCK";

/**
 * Variables of a step with those of its mounts: a secret's replaces one of the step, since it is asked for by name; an
 * agent's does not.
 *
 * @param environment `NAME=value`, no name twice.
 */
export function withVariables(
  environment: readonly string[],
  variables: ReadonlyMap<string, string>,
): string[] {
  const nameOf = (variable: string): string => variable.slice(0, variable.indexOf("="));
  const own = new Set(environment.map(nameOf));
  const added = [...variables].filter(([name]) => name !== SSH_VARIABLE || !own.has(name));
  const replaced = new Set(added.map(([name]) => name));
  return [
    ...environment.filter((variable) => !replaced.has(nameOf(variable))),
    ...added.map(([name, value]) => `${name}=${value}`),
  ];
}
