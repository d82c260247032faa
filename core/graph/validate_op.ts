/**
 * What can be wrong with one operation, by itself.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { parsePlatform } from "../oci/platform.ts";
import { formatReference, parseReference } from "../oci/reference.ts";
import type { Problem } from "./diagnostic.ts";
import {
  type ContextOp,
  type CopyOp,
  type FileOp,
  type Op,
  type OpPlatform,
  type RunOp,
  SCRATCH,
  type SourceOp,
} from "./op.ts";
import { changeProblems } from "./validate_config.ts";
import {
  commandProblems,
  isName,
  modeProblems,
  ownerProblems,
  userProblems,
} from "./validate_value.ts";
import { mountProblems } from "./validate_mount.ts";
import { surroundingsProblems } from "./validate_surroundings.ts";
import { isRoot } from "./root_path.ts";

/** All that is wrong with an operation, its inputs aside. */
export function opProblems(op: Op): Problem[] {
  const problems = hasNul(op)
    ? [
      {
        code: "CHARACTER_INVALID",
        message:
          `Cannot use a NUL character in a ${op.type}: no file name, argument or variable can hold one`,
      } as const,
    ]
    : [];
  return [...problems, ...ownProblems(op)];
}

function ownProblems(op: Op): Problem[] {
  switch (op.type) {
    case "source":
      return sourceProblems(op);
    case "context":
      return contextProblems(op);
    case "copy":
      return copyProblems(op);
    case "file":
      return fileProblems(op);
    case "run":
      return runProblems(op);
    case "config":
      return changeProblems(op.change);
    case "merge":
    case "diff":
      return [];
  }
}

function hasNul(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\0");
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, inner]) => key.includes("\0") || hasNul(inner));
}

function sourceProblems({ identifier, platform }: SourceOp): Problem[] {
  const problems = platformProblems(platform);
  const [, scheme, rest = ""] = /^([a-z][a-z0-9+-]*):\/\/(.*)$/s.exec(identifier) ?? [];
  if (scheme === undefined || (scheme === "scratch" && identifier !== SCRATCH)) {
    const message = `Cannot use source ${
      JSON.stringify(identifier)
    }: not a scheme, "://" and a name`;
    return [...problems, { code: "SOURCE_INVALID", message }];
  }
  if (scheme !== "docker-image") return problems;
  const reference = attempt(() => formatReference(parseReference(rest)));
  if (reference.error !== undefined) {
    return [...problems, { code: "REFERENCE_INVALID", message: reference.error }];
  }
  if (reference.value !== rest) {
    const message = `Cannot use source ${
      JSON.stringify(identifier)
    }: the whole reference is "${reference.value}"`;
    return [...problems, { code: "REFERENCE_INVALID", message }];
  }
  return problems;
}

function platformProblems(platform: OpPlatform): Problem[] {
  const { os, architecture, variant } = platform;
  // Each part by itself is refused unless it is a known name; together in the usual spelling.
  const whole = [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
  const parsed = attempt(() => {
    parsePlatform(os, platform);
    parsePlatform(architecture, platform);
    return parsePlatform(whole, platform);
  });
  if (parsed.error !== undefined) return [{ code: "PLATFORM_INVALID", message: parsed.error }];
  const usual = parsed.value;
  if (usual.os === os && usual.architecture === architecture && usual.variant === variant) {
    return [];
  }
  const name = [
    usual.os,
    usual.architecture,
    ...(usual.variant === undefined ? [] : [usual.variant]),
  ].join("/");
  return [{
    code: "PLATFORM_INVALID",
    message: `Cannot use platform "${whole}": its usual name is "${name}"`,
  }];
}

type Attempt<T> = { readonly value: T; readonly error?: never } | { readonly error: string };

function attempt<T>(parse: () => T): Attempt<T> {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof LayerwrightError) return { error: error.message };
    throw error;
  }
}

function contextProblems({ name, include, ignore }: ContextOp): Problem[] {
  const problems: Problem[] = [];
  if (!/^[a-z0-9][a-z0-9_.-]*$/.test(name)) {
    const message = `Cannot name a build context ${JSON.stringify(name)}: not a name`;
    problems.push({ code: "CONTEXT_INVALID", message });
  }
  for (const pattern of [...include, ...ignore]) {
    if (/^\s*!?\s*$/.test(pattern)) {
      const message = `Cannot select files of build context "${name}" by ${
        JSON.stringify(pattern)
      }: not a pattern`;
      problems.push({ code: "CONTEXT_INVALID", message });
    }
  }
  return problems;
}

function copyProblems(op: CopyOp): Problem[] {
  const { instruction, sources, inline, destination, exclude } = op;
  const problems: Problem[] = [];
  const say = (code: Problem["code"], state: string): void => {
    problems.push({
      code,
      message: `Cannot ${instruction} to ${JSON.stringify(destination)}: ${state}`,
    });
  };
  if (destination === "") say("PATH_INVALID", "the destination is empty");
  if (sources.length + inline.length === 0) say("COPY_INVALID", "there is nothing to copy");
  if (sources.includes("")) say("PATH_INVALID", "a source is empty");
  const url = sources.find((source) => /^(?:https?|git|ssh):\/\//.test(source));
  if (url !== undefined) say("PATH_INVALID", `source "${url}" is a URL, not a path`);
  for (const { name } of inline) {
    if (name === "" || name === "." || name === ".." || name.includes("/")) {
      say("NAME_INVALID", `${JSON.stringify(name)} is not the name of a file`);
    }
  }
  if (exclude.includes("")) say("PATH_INVALID", "a pattern to exclude is empty");
  if (instruction === "COPY" && op.extract !== "never") {
    say("COPY_INVALID", "only ADD extracts archives");
  }
  return [
    ...problems,
    ...modeProblems(op.mode),
    ...(op.owner === undefined ? [] : ownerProblems(op.owner)),
  ];
}

function fileProblems(op: FileOp): Problem[] {
  const problems: Problem[] = [];
  if (op.actions.length === 0) {
    problems.push({ code: "VALUE_INVALID", message: "Cannot change files: no action is given" });
  }
  for (const action of op.actions) {
    const { kind, path } = action;
    const say = (code: Problem["code"], state: string): void => {
      problems.push({ code, message: `Cannot ${kind} ${JSON.stringify(path)}: ${state}` });
    };
    if (path === "") say("PATH_INVALID", "the path is empty");
    else if (!path.startsWith("/") && op.instruction !== "WORKDIR") {
      say("PATH_INVALID", "the path is not absolute");
    } else if (kind !== "mkdir" && isRoot(path)) say("PATH_INVALID", "it is the root of all files");
    if ("mode" in action && !isMode(action.mode)) {
      say("MODE_INVALID", `mode ${action.mode} is not within 0 and 0o7777`);
    }
    if (kind === "symlink" && action.target === "") say("PATH_INVALID", "its target is empty");
    if ("owner" in action && action.owner !== undefined) {
      problems.push(...ownerProblems(action.owner));
    }
  }
  return problems;
}

function isMode(mode: number): boolean {
  return Number.isInteger(mode) && mode >= 0 && mode <= 0o7777;
}

function runProblems(op: RunOp): Problem[] {
  const { command, environment, user, workingDirectory, timeoutMs, cache } = op;
  const problems = [...commandProblems("run", command), ...mountProblems(op.mounts)];
  if (command.form === "exec" && command.args.length === 0) {
    problems.push({ code: "COMMAND_INVALID", message: "Cannot run []: it names no program" });
  }
  for (const name of Object.keys(environment)) {
    if (!isName(name)) {
      const message = `Cannot set environment variable ${JSON.stringify(name)}: not a name`;
      problems.push({ code: "NAME_INVALID", message });
    }
  }
  if (user !== undefined) problems.push(...userProblems(user));
  if (workingDirectory === "") {
    problems.push({
      code: "PATH_INVALID",
      message: 'Cannot run in directory "": the path is empty',
    });
  }
  if (timeoutMs !== undefined && timeoutMs < 1) {
    problems.push({
      code: "DURATION_INVALID",
      message: `Cannot end a run after ${timeoutMs} ms: less than 1 ms`,
    });
  }
  problems.push(...surroundingsProblems(op));
  if (typeof cache === "object" && "ttlMs" in cache && cache.ttlMs < 1) {
    problems.push({
      code: "DURATION_INVALID",
      message: `Cannot keep a result for ${cache.ttlMs} ms: less than 1 ms`,
    });
  }
  return problems;
}
