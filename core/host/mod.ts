/**
 * The host this process runs on.
 *
 * @module
 */
import { bunHost } from "./bun.ts";
import { type DenoGlobal, denoHost } from "./deno.ts";
import { FileStatus } from "./file_status.ts";
import type { Host } from "./host.ts";
import { readFileByNode, readPipeByNode, touchByNode } from "./node_files.ts";

export { FileStatus } from "./file_status.ts";
export { STATUS_WORDS } from "./statx_layout.ts";
export type { ForeignFunction, Host, RuntimeName, SystemCalls } from "./host.ts";

function detectHost(): Host {
  const globals = globalThis as { Bun?: { version: string }; Deno?: DenoGlobal };
  if (globals.Bun !== undefined) return bunHost(globals.Bun.version);
  if (globals.Deno !== undefined) return denoHost(globals.Deno);
  let status: FileStatus | undefined;
  return {
    runtime: "node",
    version: process.versions.node,
    systemCalls: () => undefined,
    useSystemCalls(): void {},
    bindLibrary: () => undefined,
    readPipe: readPipeByNode,
    fileStatus: () => status ??= new FileStatus(),
    readFile: readFileByNode,
    touch: touchByNode,
    selfCommand: (modulePath) => [process.execPath, modulePath],
  };
}

/** Bun, Deno, or Node as a plain fallback: decided once, by the globals present. */
export const host: Host = detectHost();
