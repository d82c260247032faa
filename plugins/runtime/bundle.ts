/**
 * The runtime-spec configuration of a step.
 *
 * @see OCI runtime-spec v1.0.2, config.md and config-linux.md
 * @module
 */
import { CAPABILITIES, heldCapabilities } from "./capabilities.ts";
import { DEVICES, MASKED_PATHS } from "./mount_plan.ts";
import type { MountSpec, PreparedStep } from "./prepared_step.ts";
import type { RuntimeSeccomp } from "./seccomp.ts";
import type { TerminalSize } from "./terminal_size.ts";
import { type RuntimeRlimit, runtimeRlimits } from "./ulimits.ts";

/** A program that the runtime executes, here before the step is started. */
export interface RuntimeHook {
  readonly path: string;
  /** With the program's own name. */
  readonly args: readonly string[];
}

/**
 * Puts the step's first process into control groups. The runtime writes its state to the hook, whose "pid" that is. In
 * the shell alone, as a hook's environment has no PATH.
 */
const ENTER_CGROUPS =
  'while read -r line || [ -n "$line" ]; do case $line in *\'"pid"\'*) pid=${line#*\'"pid"\'}; break;; esac; done; ' +
  "pid=${pid#*:}; pid=${pid# }; pid=${pid%%[!0-9]*}; " +
  'for entrance; do echo "$pid" >"$entrance" || exit 1; done';

/** The parts of `config.json` that a step needs. No cgroups: the pid namespace ends what the step started. */
export interface RuntimeConfig {
  readonly ociVersion: string;
  readonly hostname: string;
  readonly process: {
    readonly terminal: boolean;
    readonly consoleSize?: TerminalSize;
    readonly user: {
      readonly uid: number;
      readonly gid: number;
      readonly umask: number;
      readonly additionalGids: readonly number[];
    };
    readonly args: readonly string[];
    readonly env: readonly string[];
    readonly cwd: string;
    readonly capabilities: Readonly<
      & Record<"bounding" | "effective" | "permitted", readonly string[]>
      & Partial<Record<"inheritable" | "ambient", readonly string[]>>
    >;
    readonly noNewPrivileges: boolean;
    readonly rlimits: readonly RuntimeRlimit[];
  };
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly mounts: readonly MountSpec[];
  readonly hooks?: { readonly createRuntime: readonly RuntimeHook[] };
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux: {
    readonly namespaces: readonly { readonly type: string }[];
    readonly maskedPaths?: readonly string[];
    readonly readonlyPaths: readonly string[];
    readonly seccomp?: RuntimeSeccomp;
  };
}

/**
 * crun binds the root onto itself and drops its flags on the way. Without nodev a step could open any device it has
 * made, or the image has; "/." since it refuses "/" as a destination. runc keeps them.
 */
const KEEP_NODEV: MountSpec = {
  destination: "/.",
  type: "none",
  source: "/",
  options: ["remount", "bind", "nodev"],
};

/** What of a configuration depends on the runtime it is for. */
export interface ConfigSurroundings {
  /** Of a step that has a terminal. */
  readonly consoleSize?: TerminalSize | undefined;
  readonly runtime: "crun" | "runc";
  /** Rules, or the filter made of them, which crun alone takes. */
  readonly seccomp?: { readonly rules: RuntimeSeccomp } | { readonly filter: Uint8Array };
}

/** Puts a step into the words of the runtime-spec. */
export function runtimeConfig(
  step: PreparedStep,
  { runtime, seccomp, consoleSize }: ConfigSurroundings,
): RuntimeConfig {
  const { uid, gid, groups } = step.user;
  // runc mounts nothing inside of /proc. What it covers paths with is the null device of the step's own /dev.
  const masks = runtime === "runc"
    ? step.mounts.filter(({ destination }) =>
      destination.startsWith("/proc/") && MASKED_PATHS.includes(destination)
    )
    : [];
  const namespaces = [
    ...["ipc", "uts", "mount"],
    ...step.sharesProcesses ? [] : ["pid"],
    ...step.ownNetwork ? ["network"] : [],
  ];
  return {
    ociVersion: "1.0.2",
    hostname: step.hostname,
    process: {
      terminal: step.input === "terminal",
      ...consoleSize === undefined ? {} : { consoleSize },
      user: { uid, gid, umask: 0o022, additionalGids: groups },
      args: step.args,
      env: step.environment,
      cwd: step.workingDirectory,
      capabilities: capabilitiesOf(step),
      noNewPrivileges: false,
      rlimits: runtimeRlimits(step.ulimits),
    },
    root: { path: step.root, readonly: false },
    mounts: [
      ...runtime === "crun" && !step.insecure ? [KEEP_NODEV] : [],
      ...step.mounts.filter((one) =>
        !masks.includes(one) && !(runtime === "runc" && isHostDevice(one))
      ),
    ],
    ...step.entrances.length === 0 ? {} : {
      hooks: {
        createRuntime: [
          { path: "/bin/sh", args: ["sh", "-c", ENTER_CGROUPS, "sh", ...step.entrances] },
        ],
      },
    },
    linux: {
      namespaces: namespaces.map((type) => ({ type })),
      ...masks.length === 0 ? {} : { maskedPaths: masks.map(({ destination }) => destination) },
      readonlyPaths: step.readOnlyPaths,
      ...seccomp !== undefined && "rules" in seccomp ? { seccomp: seccomp.rules } : {},
    },
    ...seccomp !== undefined && "filter" in seccomp
      ? {
        annotations: {
          "run.oci.seccomp_bpf_data": Buffer.from(seccomp.filter).toString("base64"),
        },
      }
      : {},
  };
}

/** In a user namespace runc binds the host's nodes itself, and fails where one is bound already. */
function isHostDevice({ type, source, destination }: MountSpec): boolean {
  return type === "bind" && source === destination &&
    DEVICES.some(({ name }) => source === `/dev/${name}`);
}

function capabilitiesOf({ insecure }: PreparedStep): RuntimeConfig["process"]["capabilities"] {
  const names = (insecure ? heldCapabilities() : CAPABILITIES).map((name) => `CAP_${name}`);
  // The kernel empties the last two when a user other than root executes the program: ambient ones stay.
  const sets = { bounding: names, effective: names, permitted: names };
  return insecure ? { ...sets, inheritable: names, ambient: names } : sets;
}
