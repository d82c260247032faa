/**
 * What all steps of one worker share.
 *
 * @module
 */
import { mkdirSync, readFileSync } from "node:fs";
import { LayerwrightError } from "../../core/errors.ts";
import type { SystemCalls } from "../../core/host/mod.ts";
import { MS_NOEXEC, MS_NOSUID } from "./mount_flags.ts";
import { OverlayLinks } from "./overlay_links.ts";
import type { WorkerOptions } from "./protocol.ts";
import { StubLayers } from "./stub_layer.ts";
import { systemCalls } from "./system_calls.ts";

/** A worker's surroundings. */
export interface WorkerContext {
  readonly options: WorkerOptions;
  readonly calls: SystemCalls;
  readonly userNamespace: boolean;
  /** A directory in memory that only this worker and its steps' mounts see. */
  readonly memory: string;
  readonly links: OverlayLinks;
  readonly stubLayers: StubLayers;
  /** The host's resolv.conf. */
  readonly resolvConf: string;
  /** @throws {LayerwrightError} `RUN_UNSUPPORTED` for ids that do not exist in this user namespace. */
  checkMapped(uid: number, gid: number): void;
}

/** Looks around, once, and mounts the memory. */
export function openContext(options: WorkerOptions): WorkerContext {
  const calls = systemCalls();
  if (options.inMemory === true) {
    calls.mount("tmpfs", options.workDirectory, "tmpfs", 0, "mode=0755");
  }
  const memory = `${options.workDirectory}/memory`;
  mkdirSync(memory, { mode: 0o700 });
  calls.mount("tmpfs", memory, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0700");
  const uids = readIdMap("/proc/self/uid_map");
  const gids = readIdMap("/proc/self/gid_map");
  return {
    options,
    calls,
    userNamespace: options.privileges !== "root",
    memory,
    links: new OverlayLinks(`${memory}/links`, options.workDirectory),
    stubLayers: new StubLayers(options.workDirectory),
    resolvConf: readIfThere("/etc/resolv.conf"),
    checkMapped(uid, gid): void {
      if (uids(uid) && gids(gid)) return;
      throw new LayerwrightError(
        "RUN_UNSUPPORTED",
        `Cannot run with uid ${uid} and gid ${gid}: this user namespace does not have them`,
        {
          hint: "install uidmap (newuidmap) and give this user ids in /etc/subuid and /etc/subgid",
        },
      );
    },
  };
}

/** Lines of "first id inside, first id outside, count". */
function readIdMap(path: string): (id: number) => boolean {
  const ranges = readFileSync(path, "utf8").trim().split("\n").map((line) => {
    const [inside = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
    return { inside, count };
  });
  return (id) => ranges.some(({ inside, count }) => id >= inside && id < inside + count);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // A host without one resolves no names; neither do its steps.
    return "";
  }
}
