/**
 * The host when the runtime is Deno.
 *
 * @module
 */
import { FileStatus, type StatxBinding } from "./file_status.ts";
import type { ForeignFunction, Host, SystemCalls } from "./host.ts";
import { hasFfi, readPipeByNode } from "./node_files.ts";
import { type LibcSymbols, systemCallsOf } from "./system_calls.ts";

/** The part of the `Deno` global used here, so that type checks pass under both runtimes' types. */
export interface DenoGlobal {
  readonly version: { readonly deno: string };
  dlopen(
    library: string,
    symbols: Record<string, { parameters: readonly string[]; result: string }>,
  ): { readonly symbols: Record<string, (...args: unknown[]) => unknown> };
  readFileSync(path: string): Uint8Array;
  utimeSync(path: string, atime: Date, mtime: Date): void;
  readonly UnsafePointer: { of(bytes: Uint8Array): unknown; value(pointer: unknown): bigint };
  readonly UnsafePointerView: new (pointer: unknown) => { getInt32(offset?: number): number };
}

/** On its own, since a build that finds nothing changed needs nothing else; undefined where there is no such call. */
function bindStatx(deno: DenoGlobal): StatxBinding | undefined {
  if (!hasFfi()) return undefined;
  try {
    const { symbols } = deno.dlopen("libc.so.6", {
      // Addresses as numbers, which Deno hands over fastest: user space ends below 2^53.
      statx: { parameters: ["i32", "usize", "i32", "u32", "usize"], result: "i32" },
      // Its result fits, and 64 bits would be a BigInt.
      llistxattr: { parameters: ["usize", "usize", "usize"], result: "i32" },
      __errno_location: { parameters: [], result: "pointer" },
    });
    const location = symbols.__errno_location as () => unknown;
    return {
      statx: symbols.statx as StatxBinding["statx"],
      llistxattr: symbols.llistxattr as StatxBinding["llistxattr"],
      errno: () => new deno.UnsafePointerView(location()).getInt32(0),
      addressOf: (bytes) => Number(deno.UnsafePointer.value(deno.UnsafePointer.of(bytes))),
    };
  } catch {
    return undefined;
  }
}

function bindLibc(deno: DenoGlobal): LibcSymbols {
  const { symbols } = deno.dlopen("libc.so.6", {
    mount: { parameters: ["buffer", "buffer", "buffer", "usize", "buffer"], result: "i32" },
    umount2: { parameters: ["buffer", "i32"], result: "i32" },
    mknod: { parameters: ["buffer", "u32", "u64"], result: "i32" },
    llistxattr: { parameters: ["buffer", "buffer", "u64"], result: "i64" },
    lgetxattr: { parameters: ["buffer", "buffer", "buffer", "u64"], result: "i64" },
    lsetxattr: { parameters: ["buffer", "buffer", "buffer", "u64", "i32"], result: "i32" },
    utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
    syncfs: { parameters: ["i32"], result: "i32" },
    __errno_location: { parameters: [], result: "pointer" },
  });
  const location = symbols.__errno_location as () => unknown;
  return {
    ...symbols,
    ...newerSymbols(deno),
    errno: () => new deno.UnsafePointerView(location()).getInt32(0),
  } as unknown as LibcSymbols;
}

/** A missing symbol fails the whole binding, so those that older libraries lack are bound on their own. */
function newerSymbols(deno: DenoGlobal): object {
  const close_range = { parameters: ["u32", "u32", "i32"], result: "i32" };
  try {
    return deno.dlopen("libc.so.6", { close_range }).symbols;
  } catch {
    return {};
  }
}

function bindLibrary<Name extends string>(
  deno: DenoGlobal,
  library: string,
  functions: Readonly<Record<Name, ForeignFunction>>,
): Readonly<Record<Name, (...args: unknown[]) => unknown>> | undefined {
  const symbols = Object.fromEntries(
    Object.entries<ForeignFunction>(functions).map(([name, { args, result }]) => [name, {
      parameters: args,
      result,
    }]),
  );
  if (!hasFfi()) return undefined;
  try {
    return deno.dlopen(library, symbols).symbols as Record<Name, () => unknown>;
  } catch {
    return undefined;
  }
}

/** Makes the host for Deno. FFI is bound at the first use and needs `--allow-ffi`. */
export function denoHost(deno: DenoGlobal): Host {
  let calls: SystemCalls | undefined | null = null;
  let given: SystemCalls | undefined;
  let status: FileStatus | undefined;
  return {
    runtime: "deno",
    version: deno.version.deno,
    systemCalls(): SystemCalls | undefined {
      if (calls === null) {
        try {
          calls = hasFfi() ? systemCallsOf(bindLibc(deno)) : undefined;
        } catch {
          // No permission, or a C library of another name.
          calls = undefined;
        }
      }
      return calls ?? given;
    },
    useSystemCalls(systemCalls): void {
      given = systemCalls;
    },
    bindLibrary: (library, functions) => bindLibrary(deno, library, functions),
    readPipe: readPipeByNode,
    fileStatus: () => status ??= new FileStatus(bindStatx(deno)),
    readFile(path): Uint8Array | undefined {
      try {
        return deno.readFileSync(path);
      } catch {
        return undefined;
      }
    },
    touch(path): void {
      try {
        const now = new Date();
        deno.utimeSync(path, now, now);
      } catch {
        // Gone, or another user's: nobody waits for it.
      }
    },
    selfCommand: (modulePath) => [process.execPath, "run", "-A", "--no-lock", modulePath],
  };
}
