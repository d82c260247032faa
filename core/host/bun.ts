/**
 * The host when the runtime is Bun.
 *
 * @module
 */
import { FileStatus, type StatxBinding } from "./file_status.ts";
import type { ForeignFunction, ForeignType, Host, SystemCalls } from "./host.ts";
import { hasFfi, readFileByNode, touchByNode } from "./node_files.ts";
import { type LibcSymbols, systemCallsOf } from "./system_calls.ts";

interface BunFfi {
  readonly dlopen: (
    library: string,
    symbols: Record<string, { args: readonly string[]; returns: string }>,
  ) => { readonly symbols: Record<string, (...args: unknown[]) => unknown> };
  readonly ptr: (bytes: Uint8Array) => number;
  readonly read: { readonly i32: (pointer: number, offset: number) => number };
}

function bunFfi(): BunFfi {
  return process.getBuiltinModule("bun:ffi") as unknown as BunFfi;
}

/** The part of the `Bun` global used here, so that type checks pass under both runtimes' types. */
interface BunFiles {
  file(fd: number): { stream(): AsyncIterable<Uint8Array> };
}

/** On its own, since a build that finds nothing changed needs nothing else; undefined where there is no such call. */
function bindStatx(): StatxBinding | undefined {
  if (!hasFfi()) return undefined;
  try {
    const ffi = bunFfi();
    const { symbols } = ffi.dlopen("libc.so.6", {
      statx: { args: ["i32", "ptr", "i32", "u32", "ptr"], returns: "i32" },
      llistxattr: { args: ["ptr", "ptr", "u64"], returns: "i64_fast" },
      __errno_location: { args: [], returns: "ptr" },
    });
    const location = symbols.__errno_location as () => number;
    return {
      statx: symbols.statx as StatxBinding["statx"],
      llistxattr: symbols.llistxattr as StatxBinding["llistxattr"],
      errno: () => ffi.read.i32(location(), 0),
      addressOf: (bytes) => ffi.ptr(bytes),
    };
  } catch {
    return undefined;
  }
}

function bindLibc(): LibcSymbols {
  const ffi = bunFfi();
  const { symbols } = ffi.dlopen("libc.so.6", {
    mount: { args: ["buffer", "buffer", "buffer", "u64", "buffer"], returns: "i32" },
    umount2: { args: ["buffer", "i32"], returns: "i32" },
    mknod: { args: ["buffer", "u32", "u64"], returns: "i32" },
    llistxattr: { args: ["buffer", "buffer", "u64"], returns: "i64" },
    lgetxattr: { args: ["buffer", "buffer", "buffer", "u64"], returns: "i64" },
    lsetxattr: { args: ["buffer", "buffer", "buffer", "u64", "i32"], returns: "i32" },
    utimensat: { args: ["i32", "buffer", "buffer", "i32"], returns: "i32" },
    syncfs: { args: ["i32"], returns: "i32" },
    __errno_location: { args: [], returns: "ptr" },
  });
  const location = symbols.__errno_location as unknown as () => number;
  return {
    ...symbols,
    ...newerSymbols(ffi),
    errno: () => ffi.read.i32(location(), 0),
  } as unknown as LibcSymbols;
}

/** A missing symbol fails the whole binding, so those that older libraries lack are bound on their own. */
function newerSymbols(ffi: BunFfi): object {
  try {
    return ffi.dlopen("libc.so.6", { close_range: { args: ["u32", "u32", "i32"], returns: "i32" } })
      .symbols;
  } catch {
    return {};
  }
}

const FFI_TYPES: Readonly<Record<ForeignType | "void", string>> = {
  buffer: "buffer",
  pointer: "ptr",
  i32: "i32",
  u32: "u32",
  u64: "u64",
  void: "void",
};

function bindLibrary<Name extends string>(
  library: string,
  functions: Readonly<Record<Name, ForeignFunction>>,
): Readonly<Record<Name, (...args: unknown[]) => unknown>> | undefined {
  const symbols = Object.fromEntries(
    Object.entries<ForeignFunction>(functions).map(([name, { args, result }]) => [name, {
      args: args.map((type) => FFI_TYPES[type]),
      returns: FFI_TYPES[result],
    }]),
  );
  if (!hasFfi()) return undefined;
  try {
    return bunFfi().dlopen(library, symbols).symbols as Record<Name, () => unknown>;
  } catch {
    return undefined;
  }
}

/** Waits for all pipes in one place; a stream of `node:fs` would hold one of the few threads for files. */
async function* readPipe(fd: number): AsyncIterable<Uint8Array> {
  const { Bun: bun } = globalThis as unknown as { Bun: BunFiles };
  try {
    yield* bun.file(fd).stream();
  } finally {
    process.getBuiltinModule("node:fs").closeSync(fd);
  }
}

/** Makes the host for Bun. FFI is bound at the first use. */
export function bunHost(version: string): Host {
  let calls: SystemCalls | undefined | null = null;
  let given: SystemCalls | undefined;
  let status: FileStatus | undefined;
  return {
    runtime: "bun",
    version,
    systemCalls(): SystemCalls | undefined {
      if (calls === null) {
        try {
          calls = hasFfi() ? systemCallsOf(bindLibc()) : undefined;
        } catch {
          // A C library of another name (musl): the callers fall back to tools, or say what is missing.
          calls = undefined;
        }
      }
      return calls ?? given;
    },
    useSystemCalls(systemCalls): void {
      given = systemCalls;
    },
    bindLibrary,
    readPipe,
    fileStatus: () => status ??= new FileStatus(bindStatx()),
    readFile: readFileByNode,
    touch: touchByNode,
    selfCommand: (modulePath) => [process.execPath, "run", modulePath],
  };
}
