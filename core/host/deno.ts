/**
 * The host when the runtime is Deno.
 *
 * @module
 */
import type { Host, SystemCalls } from "./host.ts";
import { type LibcSymbols, systemCallsOf } from "./system_calls.ts";

/** The part of the `Deno` global used here, so that type checks pass under both runtimes' types. */
export interface DenoGlobal {
  readonly version: { readonly deno: string };
  dlopen(
    library: string,
    symbols: Record<string, { parameters: readonly string[]; result: string }>,
  ): { readonly symbols: Record<string, (...args: unknown[]) => unknown> };
  readonly UnsafePointerView: new (pointer: unknown) => { getInt32(offset?: number): number };
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

/** Makes the host for Deno. FFI is bound at the first use and needs `--allow-ffi`. */
export function denoHost(deno: DenoGlobal): Host {
  let calls: SystemCalls | undefined | null = null;
  return {
    runtime: "deno",
    version: deno.version.deno,
    systemCalls(): SystemCalls | undefined {
      if (calls === null) {
        try {
          calls = process.platform === "linux" ? systemCallsOf(bindLibc(deno)) : undefined;
        } catch {
          // No permission, or a C library of another name.
          calls = undefined;
        }
      }
      return calls;
    },
    selfCommand: (modulePath) => [process.execPath, "run", "-A", "--no-lock", modulePath],
  };
}
