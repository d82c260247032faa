/**
 * What can be wrong with the mounts of a run.
 *
 * @module
 */
import { posix } from "node:path";
import type { Problem } from "./diagnostic.ts";
import type { Mount } from "./op.ts";
import { isRoot } from "./root_path.ts";
import { isId, isName } from "./validate_value.ts";

/** All that is wrong with each mount, and with all of them together. */
export function mountProblems(mounts: readonly Mount[]): Problem[] {
  const problems = mounts.flatMap(ownProblems);
  const targets = new Set<string>();
  for (const { target } of mounts) {
    if (target === undefined) continue;
    const path = posix.normalize(target).replace(/(?<=.)\/$/, "");
    if (targets.has(path)) {
      problems.push(mountProblem(`at ${JSON.stringify(target)}`, "another mount is there"));
    }
    targets.add(path);
  }
  return problems;
}

function ownProblems(mount: Mount): Problem[] {
  const { type, target } = mount;
  const problems: Problem[] = [];
  const say = (state: string): void => {
    problems.push(
      mountProblem(
        `a ${type}${target === undefined ? "" : ` at ${JSON.stringify(target)}`}`,
        state,
      ),
    );
  };
  if (target === "") say("the target is empty");
  else if (target !== undefined && isRoot(target)) say("the root of all files cannot be covered");
  switch (mount.type) {
    case "bind":
      if (!isInside(mount.source)) {
        say(`source ${JSON.stringify(mount.source)} is not an absolute path without ".."`);
      }
      break;
    case "cache":
      if (mount.id === "") say("the id is empty");
      if (mount.source !== undefined && !isInside(mount.source)) {
        say(`source ${JSON.stringify(mount.source)} is not an absolute path without ".."`);
      }
      if (mount.source !== undefined && mount.input === undefined) {
        say("it has a source path, but no input");
      }
      break;
    case "tmpfs":
      if (mount.sizeBytes !== undefined && mount.sizeBytes < 1) {
        say(`${mount.sizeBytes} bytes hold nothing`);
      }
      break;
    case "secret":
      if (mount.id === "") say("the id is empty");
      if (target === undefined && mount.environment === undefined) {
        say("neither a file nor a variable is named");
      }
      if (mount.environment !== undefined && !isName(mount.environment)) {
        say(`${JSON.stringify(mount.environment)} is not the name of a variable`);
      }
      break;
    case "ssh":
      if (mount.id === "") say("the id is empty");
      break;
  }
  if ("mode" in mount) {
    if (!Number.isInteger(mount.mode) || mount.mode < 0 || mount.mode > 0o7777) {
      say(`mode ${mount.mode} is not within 0 and 0o7777`);
    }
    for (const id of [mount.uid, mount.gid]) if (!isId(id)) say(`${id} is not a user or group id`);
  }
  return problems;
}

function isInside(path: string): boolean {
  return path.startsWith("/") && !path.split("/").includes("..");
}

function mountProblem(what: string, state: string): Problem {
  return { code: "MOUNT_INVALID", message: `Cannot mount ${what}: ${state}` };
}
