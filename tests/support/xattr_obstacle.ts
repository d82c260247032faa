/**
 * Whether extended attributes can be tried here.
 *
 * @module
 */
import { host } from "../../core/host/mod.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

/** Why they cannot; undefined where they can. */
export function xattrObstacle(): string | undefined {
  using directory = temporaryDirectory();
  try {
    const calls = host.systemCalls();
    if (calls === undefined) return "needs Linux";
    calls.setXattr(directory.path, "user.lw", new Uint8Array([1]));
    return Object.keys(calls.listXattrs(directory.path)).includes("user.lw")
      ? undefined
      : "needs extended attributes";
  } catch {
    return "needs extended attributes";
  }
}
