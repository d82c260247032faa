/**
 * Where the store is.
 *
 * @module
 */
import { posix, win32 } from "node:path";
import { LayerwrightError } from "../errors.ts";

/**
 * Finds the folder of the store: `LAYERWRIGHT_HOME`, else the data folder of the user as the platform
 * has it (`XDG_DATA_HOME`, `~/.local/share`; `~/Library/Application Support`; `%LOCALAPPDATA%`).
 *
 * @param env The environment; an empty variable counts as unset, and so does a relative XDG path.
 * @param platform As in `process.platform`.
 * @returns A path; absolute, unless `LAYERWRIGHT_HOME` is not.
 * @throws {LayerwrightError} `OPTION_INVALID` when nothing of this is set.
 * @see XDG Base Directory Specification, "All paths set in these environment variables must be absolute"
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { storeHome } from "./home.ts";
 * assert.equal(storeHome({ HOME: "/home/ann" }, "linux"), "/home/ann/.local/share/layerwright");
 * assert.equal(storeHome({ LAYERWRIGHT_HOME: "/srv/lw" }, "linux"), "/srv/lw");
 * ```
 */
export function storeHome(
  env: Readonly<Record<string, string | undefined>>,
  platform: string,
): string {
  if (env.LAYERWRIGHT_HOME) return env.LAYERWRIGHT_HOME;
  if (env.XDG_DATA_HOME && posix.isAbsolute(env.XDG_DATA_HOME)) {
    return posix.join(env.XDG_DATA_HOME, "layerwright");
  }
  if (platform === "win32") {
    if (env.LOCALAPPDATA) return win32.join(env.LOCALAPPDATA, "layerwright");
    if (env.USERPROFILE) return win32.join(env.USERPROFILE, "AppData", "Local", "layerwright");
  } else if (env.HOME) {
    return platform === "darwin"
      ? posix.join(env.HOME, "Library", "Application Support", "layerwright")
      : posix.join(env.HOME, ".local", "share", "layerwright");
  }
  throw new LayerwrightError(
    "OPTION_INVALID",
    "Cannot find the store: the environment names no home folder",
    {
      hint: "set LAYERWRIGHT_HOME to the folder that the store is, or will be, in",
    },
  );
}
