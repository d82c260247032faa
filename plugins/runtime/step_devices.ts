/**
 * The device nodes of a step.
 *
 * @module
 */
import { chmodSync, mkdirSync } from "node:fs";
import { DEVICES, PRIVILEGED_DEVICES } from "./mount_plan.ts";
import type { WorkerContext } from "./worker_context.ts";

const CHARACTER_DEVICE = 0o020000;
const BLOCK_DEVICE = 0o060000;

/**
 * A directory of device nodes to bind. Real root gets some of the step's own: root in a step may change the mode of what
 * it sees, and neither the host nor another step may notice. In a user namespace nodes cannot be made, and nobody there
 * can change those of the host.
 */
export function stepDevices(
  { calls, options }: Pick<WorkerContext, "calls" | "options">,
  scratch: string,
  insecure: boolean,
): string {
  if (options.privileges !== "root") return "/dev";
  const directory = `${scratch}/devices`;
  mkdirSync(directory);
  for (const { name, major, minor } of DEVICES) {
    calls.mknod(`${directory}/${name}`, CHARACTER_DEVICE | 0o666, major, minor);
    chmodSync(`${directory}/${name}`, 0o666);
  }
  if (!insecure) return directory;
  mkdirSync(`${directory}/net`);
  for (const { name, type, major, minor } of PRIVILEGED_DEVICES) {
    const kind = type === "block" ? BLOCK_DEVICE : CHARACTER_DEVICE;
    calls.mknod(`${directory}/${name}`, kind | 0o600, major, minor);
  }
  return directory;
}
