/**
 * Programs of the host.
 *
 * @module
 */
import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";

/** Where distributions keep the system's own tools; a user's PATH often lacks the sbin ones. */
const SYSTEM_PATH: readonly string[] = [
  "/usr/local/sbin",
  "/usr/sbin",
  "/sbin",
  "/usr/bin",
  "/bin",
];

/** The absolute path of a program on PATH, undefined if there is none. */
export function findTool(name: string): string | undefined {
  const directories = (process.env["PATH"] ?? "").split(":").filter((path) => path.startsWith("/"));
  return [...directories, ...SYSTEM_PATH].map((directory) => join(directory, name)).find(isProgram);
}

/** As {@link findTool}, for one that the probe has seen. */
export function requireTool(name: string): string {
  const path = findTool(name);
  if (path === undefined) throw new Error(`there is no ${name}(1) on this machine any more`);
  return path;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
