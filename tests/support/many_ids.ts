/** Whether files can belong to several users here: as root, or with subordinate ids. */
import { executorLadder } from "../../plugins/runtime/mod.ts";

/** Asks the executor that steps run with. */
export async function hasManyIds(): Promise<boolean> {
  for (const executor of executorLadder()) {
    const { usable, snapshotVariant } = await executor.probe();
    if (usable) return snapshotVariant?.endsWith("-single") !== true;
  }
  return false;
}
