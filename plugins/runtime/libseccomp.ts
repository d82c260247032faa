/**
 * Seccomp filters made by libseccomp, which container runtimes use as well.
 *
 * @see seccomp_init(3), seccomp_rule_add(3), seccomp_export_bpf(3)
 * @module
 */
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { host } from "../../core/host/mod.ts";
import type { RuntimeSeccomp } from "./seccomp.ts";

/** The library, bound. */
export interface Libseccomp {
  /** `major.minor.micro`: another version may make another filter of the same rules. */
  readonly version: string;
  /**
   * The filter of a profile as the kernel takes it: instructions of 8 bytes.
   *
   * @param scratch A file that does not exist, for the library to write to.
   * @throws {Error} for a rule that the library refuses.
   */
  compile(profile: RuntimeSeccomp, scratch: string): Uint8Array;
}

type Arch = RuntimeSeccomp["architectures"][number];

const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
};

const OPERATORS: readonly string[] = [
  "",
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
];

const EPERM = 1;
const EEXIST = -17;
const UNKNOWN_SYSCALL = -1;
/** SCMP_FLTATR_CTL_NNP: the runtime decides about no_new_privs, not the filter. */
const ATTRIBUTE_NO_NEW_PRIVS = 3;
/** sizeof(struct scmp_arg_cmp). */
const COMPARISON_BYTES = 24;

const FUNCTIONS = {
  seccomp_version: { args: [], result: "pointer" },
  seccomp_init: { args: ["u32"], result: "pointer" },
  seccomp_release: { args: ["pointer"], result: "void" },
  seccomp_attr_set: { args: ["pointer", "u32", "u32"], result: "i32" },
  seccomp_arch_resolve_name: { args: ["buffer"], result: "u32" },
  seccomp_arch_add: { args: ["pointer", "u32"], result: "i32" },
  seccomp_syscall_resolve_name: { args: ["buffer"], result: "i32" },
  seccomp_rule_add_array: { args: ["pointer", "u32", "i32", "u32", "buffer"], result: "i32" },
  seccomp_export_bpf: { args: ["pointer", "i32"], result: "i32" },
} as const;

/** The library of this machine; undefined where there is none. */
export function bindLibseccomp(): Libseccomp | undefined {
  const bound = host.bindLibrary("libseccomp.so.2", FUNCTIONS);
  const libc = host.bindLibrary("libc.so.6", {
    memcpy: { args: ["buffer", "pointer", "u64"], result: "pointer" },
  });
  if (bound === undefined || libc === undefined) return undefined;
  const numbers = new Uint32Array(3);
  libc.memcpy(new Uint8Array(numbers.buffer), bound.seccomp_version(), 12n);
  return {
    version: numbers.join("."),
    compile: (profile, scratch) => compile(bound, profile, scratch),
  };
}

type Functions = Readonly<Record<keyof typeof FUNCTIONS, (...args: unknown[]) => unknown>>;

/** As crun and runc tell the library: the same calls in the same order give the same filter. */
function compile(library: Functions, profile: RuntimeSeccomp, scratch: string): Uint8Array {
  const check = (what: string, result: unknown, ...fine: number[]): void => {
    if (result !== 0 && !fine.includes(Number(result))) {
      throw new Error(`libseccomp: ${what}: error ${result}`);
    }
  };
  const defaultAction = actionOf(profile.defaultAction, profile.defaultErrnoRet);
  const filter = library.seccomp_init(defaultAction);
  if (filter === null || filter === 0) throw new Error("libseccomp: no filter");
  try {
    check("attribute", library.seccomp_attr_set(filter, ATTRIBUTE_NO_NEW_PRIVS, 0));
    for (const arch of profile.architectures) {
      const token = library.seccomp_arch_resolve_name(archName(arch));
      check(arch, library.seccomp_arch_add(filter, token), EEXIST);
    }
    for (const { names, action, errnoRet, args = [] } of profile.syscalls) {
      const number = actionOf(action, errnoRet);
      // The library refuses rules that only repeat the default.
      if (number === defaultAction) continue;
      for (const name of names) {
        const syscall = library.seccomp_syscall_resolve_name(cString(name));
        // The profile names calls of kernels newer than this library.
        if (syscall === UNKNOWN_SYSCALL) continue;
        for (const rule of rulesOf(args as readonly Comparison[])) {
          check(
            name,
            library.seccomp_rule_add_array(
              ...[filter, number, syscall, rule.length, comparisons(rule)],
            ),
          );
        }
      }
    }
    const fd = openSync(scratch, "wx", 0o600);
    try {
      check("export", library.seccomp_export_bpf(filter, fd));
    } finally {
      closeSync(fd);
    }
    return readFileSync(scratch);
  } finally {
    library.seccomp_release(filter);
    rmSync(scratch, { force: true });
  }
}

/** One argument of a call, in the words of the runtime-spec. */
interface Comparison {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: string;
}

/** All comparisons of a rule have to hold; but the library takes one of each argument, and several mean any of them. */
function rulesOf(args: readonly Comparison[]): readonly (readonly Comparison[])[] {
  const repeated = new Set(args.map(({ index }) => index)).size !== args.length;
  return repeated ? args.map((one) => [one]) : [args];
}

function comparisons(args: readonly Comparison[]): Uint8Array {
  // Never empty: an empty buffer has no address.
  const bytes = new Uint8Array((args.length + 1) * COMPARISON_BYTES);
  const view = new DataView(bytes.buffer);
  args.forEach(({ index, value, valueTwo = 0, op }, position) => {
    const at = position * COMPARISON_BYTES;
    const operator = OPERATORS.indexOf(op);
    if (operator < 1) throw new Error(`libseccomp: unknown operator ${op}`);
    view.setUint32(at, index, true);
    view.setUint32(at + 4, operator, true);
    view.setBigUint64(at + 8, BigInt(value), true);
    view.setBigUint64(at + 16, BigInt(valueTwo), true);
  });
  return bytes;
}

function actionOf(name: string, errno = EPERM): number {
  const action = ACTIONS[name];
  if (action === undefined) throw new Error(`libseccomp: unknown action ${name}`);
  return name === "SCMP_ACT_ERRNO" ? action | (errno & 0xffff) : action;
}

/** `SCMP_ARCH_X86_64` is `x86_64` to the library. */
function archName(arch: Arch): Uint8Array {
  return cString(arch.replace(/^SCMP_ARCH_/, "").toLowerCase());
}

function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
