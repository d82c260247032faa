/**
 * The seccomp profile that distributions ship for containers, turned into what a runtime takes.
 *
 * @see containers/common, pkg/seccomp: the profile's format
 * @see OCI runtime-spec v1.0.2, config-linux.md, "Seccomp"
 * @module
 */
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { CAPABILITIES } from "./capabilities.ts";

/** Where the profile is, the administrator's first. */
const PROFILE_PATHS: readonly string[] = [
  "/etc/containers/seccomp.json",
  "/usr/share/containers/seccomp.json",
];

interface Condition {
  readonly arches?: readonly string[];
  readonly caps?: readonly string[];
  readonly minKernel?: string;
}

interface ProfileRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly args?: readonly unknown[] | null;
  readonly errnoRet?: number;
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

/** The profile as it is shipped. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly archMap: readonly {
    readonly architecture: string;
    readonly subArchitectures?: readonly string[];
  }[];
  readonly syscalls: readonly ProfileRule[];
}

/** `linux.seccomp` of the runtime-spec. */
export interface RuntimeSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly {
    readonly names: readonly string[];
    readonly action: string;
    readonly errnoRet?: number;
    readonly args?: readonly unknown[];
  }[];
}

/** A `process.arch` in the profile's two spellings. */
const ARCHITECTURES: Readonly<
  Record<string, { readonly name: string; readonly constant: string }>
> = {
  x64: { name: "amd64", constant: "SCMP_ARCH_X86_64" },
  arm64: { name: "arm64", constant: "SCMP_ARCH_AARCH64" },
  s390x: { name: "s390x", constant: "SCMP_ARCH_S390X" },
};

/** The installed profile's path; undefined where there is none. */
export function findSeccompProfile(): string | undefined {
  return PROFILE_PATHS.find((path) => readProfile(path) !== undefined);
}

/** The installed profile for this machine and a step's capabilities; undefined where there is none. */
export function loadSeccomp(architecture: string): RuntimeSeccomp | undefined {
  for (const path of PROFILE_PATHS) {
    const profile = readProfile(path);
    if (profile !== undefined) return resolveSeccomp(profile, architecture, release());
  }
  return undefined;
}

/**
 * Keeps the rules that hold for an architecture, a kernel and the capabilities of a step.
 *
 * @param architecture As `process.arch`.
 * @param kernel As `uname -r`.
 * @returns undefined for an architecture that the profile does not know.
 */
export function resolveSeccomp(
  profile: SeccompProfile,
  architecture: string,
  kernel: string,
): RuntimeSeccomp | undefined {
  const arch = ARCHITECTURES[architecture];
  const family = profile.archMap.find((entry) => entry.architecture === arch?.constant);
  if (arch === undefined || family === undefined) return undefined;
  const capabilities = new Set(CAPABILITIES.map((name) => `CAP_${name}`));
  const holds = ({ includes = {}, excludes = {} }: ProfileRule): boolean =>
    (isEmpty(includes.arches) || includes.arches?.includes(arch.name) === true) &&
    (includes.caps ?? []).every((name) => capabilities.has(name)) &&
    (includes.minKernel === undefined || !isOlder(kernel, includes.minKernel)) &&
    excludes.arches?.includes(arch.name) !== true &&
    !(excludes.caps ?? []).some((name) => capabilities.has(name));
  return {
    defaultAction: profile.defaultAction,
    ...profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet },
    // 32-bit programs of an image have to work too.
    architectures: [family.architecture, ...family.subArchitectures ?? []],
    syscalls: profile.syscalls.filter(holds).map(({ names, action, args, errnoRet }) => ({
      names,
      action,
      ...errnoRet === undefined ? {} : { errnoRet },
      ...isEmpty(args) ? {} : { args: args ?? [] },
    })),
  };
}

function readProfile(path: string): SeccompProfile | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as SeccompProfile;
  } catch {
    return undefined;
  }
}

function isEmpty(list: readonly unknown[] | null | undefined): boolean {
  return (list ?? []).length === 0;
}

function isOlder(kernel: string, wanted: string): boolean {
  const [major = 0, minor = 0] = kernel.split(".").map(Number.parseFloat);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number.parseFloat);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}
