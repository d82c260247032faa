/**
 * The runtime-spec configuration of a step.
 *
 * @see OCI runtime-spec v1.0.2, config.md and config-linux.md
 * @module
 */
import { CAPABILITIES } from "./capabilities.ts";
import type { MountSpec, PreparedStep } from "./prepared_step.ts";
import type { RuntimeSeccomp } from "./seccomp.ts";

/** The parts of `config.json` that a step needs. No cgroups: the pid namespace ends what the step started. */
export interface RuntimeConfig {
  readonly ociVersion: string;
  readonly hostname: string;
  readonly process: {
    readonly terminal: boolean;
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
      Record<"bounding" | "effective" | "permitted", readonly string[]>
    >;
    readonly noNewPrivileges: boolean;
  };
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly mounts: readonly MountSpec[];
  readonly linux: {
    readonly namespaces: readonly { readonly type: string }[];
    readonly readonlyPaths: readonly string[];
    readonly seccomp?: RuntimeSeccomp;
  };
}

/**
 * crun binds the root onto itself and drops its flags on the way. Without nodev a step could open any device it has
 * made, or the image has; "/." since it refuses "/" as a destination.
 */
const KEEP_NODEV: MountSpec = {
  destination: "/.",
  type: "none",
  source: "/",
  options: ["remount", "bind", "nodev"],
};

/** Puts a step into the words of the runtime-spec. */
export function runtimeConfig(
  step: PreparedStep,
  seccomp: RuntimeSeccomp | undefined,
): RuntimeConfig {
  const capabilities = CAPABILITIES.map((name) => `CAP_${name}`);
  const { uid, gid, groups } = step.user;
  const namespaces = ["pid", "ipc", "uts", "mount", ...step.ownNetwork ? ["network"] : []];
  return {
    ociVersion: "1.0.2",
    hostname: step.hostname,
    process: {
      terminal: false,
      user: { uid, gid, umask: 0o022, additionalGids: groups },
      args: step.args,
      env: step.environment,
      cwd: step.workingDirectory,
      // The kernel empties the last two when a user other than root executes the program.
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: false,
    },
    root: { path: step.root, readonly: false },
    mounts: [KEEP_NODEV, ...step.mounts],
    linux: {
      namespaces: namespaces.map((type) => ({ type })),
      readonlyPaths: step.readOnlyPaths,
      ...seccomp === undefined ? {} : { seccomp },
    },
  };
}
