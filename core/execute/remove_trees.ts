/**
 * Removing directories of the store whose files may belong to users that only a user namespace maps.
 *
 * @module
 */
import { existsSync, rmSync } from "node:fs";
import type { Store } from "../store/store.ts";
import type { Executor } from "./executor.ts";

/**
 * Removes directories: by itself what it can, the rest through a session of the first executor that works here.
 *
 * @returns Those that are still there.
 */
export async function removeTrees(
  store: Store,
  executors: readonly Executor[],
  directories: readonly string[],
): Promise<string[]> {
  const left = directories.filter((directory) => !isRemoved(directory));
  if (left.length === 0) return [];
  for (const executor of executors) {
    // One that works elsewhere has no part in what is here, and need not be there to be asked.
    const probe = await executor.probe().catch(() => undefined);
    if (probe?.usable !== true || probe.snapshotVariant === undefined) continue;
    const workDirectory = store.temp.newDirectory();
    await using session = await executor.open({ workDirectory });
    await session.remove(left);
    break;
  }
  return left.filter((directory) => existsSync(directory));
}

function isRemoved(directory: string): boolean {
  try {
    rmSync(directory, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}
