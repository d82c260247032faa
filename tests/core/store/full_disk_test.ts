/** Disks that are full or cannot be written, made of tmpfs in a mount namespace of the child's own. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { host } from "../../../core/host/mod.ts";
import { startChild } from "../../support/child.ts";
import { withTempFolder } from "../../support/temp_store.ts";

const WORKER = fileURLToPath(new URL("./store_worker.ts", import.meta.url));
const cannotMount = spawnSync("unshare", ["-m", "true"]).status !== 0 && "needs root";

/** A worker on a tmpfs of its own; `prepare` is shell text that sees its folder as $home. */
function workerOnTmpfs(
  folder: string,
  size: string,
  prepare: string,
  task: readonly string[],
): string[] {
  const script = `home=$0; mount -t tmpfs -o size=${size} tmpfs "$home" && ${prepare} && exec "$@"`;
  return ["unshare", "-m", "sh", "-c", script, folder, ...host.selfCommand(WORKER), ...task];
}

for (const durability of ["fast", "safe"]) {
  test(
    `a full disk is STORE_FULL in a ${durability} store, leaves nothing half-done, and can be freed (needs root)`,
    {
      skip: cannotMount,
    },
    () =>
      withTempFolder(async (folder) => {
        await using child = startChild(
          workerOnTmpfs(folder, "3m", "true", [folder, durability, "fill"]),
        );
        await child.succeeded();
        await child.printed("STORE_FULL tmp:0\n");
        await child.printed("recovered\n");
      }),
  );
}

test(
  "a disk too small for a store is STORE_FULL (needs root)",
  { skip: cannotMount },
  () =>
    withTempFolder(async (folder) => {
      await using child = startChild(
        workerOnTmpfs(folder, "24k", "true", [folder, "fast", "fill"]),
      );
      await assert.rejects(child.succeeded());
      await child.printed("STORE_FULL: Cannot ");
    }),
);

test(
  "a read-only disk is STORE_UNWRITABLE (needs root)",
  { skip: cannotMount },
  () =>
    withTempFolder(async (folder) => {
      const remount = 'mount -o remount,ro "$home"';
      await using child = startChild(
        workerOnTmpfs(folder, "3m", remount, [folder, "fast", "fill"]),
      );
      await assert.rejects(child.succeeded());
      await child.printed("STORE_UNWRITABLE: Cannot open the store: ");
      await child.printed("the file system is read-only");
    }),
);
