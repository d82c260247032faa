/**
 * Mounts in the root of a step, from inside the step's mount namespace, before anything of the image runs.
 *
 * @module
 */
import { closeSync, mkdirSync, openSync, statSync, symlinkSync } from "node:fs";
import { posix } from "node:path";
import { systemErrorCode } from "../../core/errors.ts";
import {
  MOUNT_FLAGS,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
} from "./mount_flags.ts";
import type { MountSpec, PreparedStep } from "./prepared_step.ts";
import { resolveInRoot } from "./resolve_in_root.ts";
import { systemCalls } from "./system_calls.ts";

const DEV_LINKS: readonly (readonly [name: string, target: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["ptmx", "pts/ptmx"],
];

/** Mounts all that a step wants. */
export function mountStep(step: PreparedStep): void {
  for (const spec of step.mounts) mountSpec(step.root, spec);
  for (const [name, target] of DEV_LINKS) symlinkSync(target, `${step.root}/dev/${name}`);
  for (const path of step.readOnlyPaths) {
    const { path: resolved, stats } = resolveInRoot(step.root, path);
    const full = step.root + resolved;
    if (stats !== undefined) bind(full, full, MS_BIND | MS_REC | MS_RDONLY);
  }
}

function mountSpec(root: string, { destination, type, source, options }: MountSpec): void {
  let flags = 0;
  const data: string[] = [];
  for (const option of options) {
    const flag = MOUNT_FLAGS[option];
    if (flag === undefined) data.push(option);
    else flags |= flag;
  }
  if ((flags & MS_BIND) !== 0) {
    bind(source, makeTarget(root, destination, statSync(source).isDirectory()), flags);
  } else {
    systemCalls().mount(source, makeTarget(root, destination, true), type, flags, data.join(","));
  }
}

/** A target inside a mount made just before cannot have a stub: it is made there, never following a link out. */
function makeTarget(root: string, destination: string, directory: boolean): string {
  const { path, stats } = resolveInRoot(root, destination);
  const full = root + path;
  if (stats !== undefined) return full;
  mkdirSync(directory ? full : posix.dirname(full), { recursive: true });
  if (!directory) closeSync(openSync(full, "wx"));
  return full;
}

function bind(source: string, target: string, flags: number): void {
  const calls = systemCalls();
  calls.mount(source, target, "", MS_BIND | (flags & MS_REC), "");
  const restrictions = flags & ~(MS_BIND | MS_REC);
  if (restrictions === 0) return;
  // Flags that the host's mount has may not be dropped in a user namespace; which those are only trying tells.
  const stricter = [0, MS_NOSUID | MS_NODEV, MS_NOSUID | MS_NODEV | MS_NOEXEC];
  for (const [attempt, more] of stricter.entries()) {
    try {
      return calls.mount("", target, "", MS_REMOUNT | MS_BIND | restrictions | more, "");
    } catch (error) {
      if (systemErrorCode(error) !== "EPERM" || attempt === stricter.length - 1) throw error;
    }
  }
}
