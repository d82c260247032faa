/**
 * What is mounted in the root of every step, whichever runtime does it.
 *
 * @see OCI runtime-spec v1.2, config-linux.md, "Default Filesystems", "Masked Paths", "Readonly Paths"
 * @module
 */
import { statSync } from "node:fs";
import type { MountSpec } from "./prepared_step.ts";
import type { Privileges } from "./protocol.ts";

/** The device nodes of a step, with their numbers. */
export const DEVICES: readonly { name: string; major: number; minor: number }[] = [
  { name: "null", major: 1, minor: 3 },
  { name: "zero", major: 1, minor: 5 },
  { name: "full", major: 1, minor: 7 },
  { name: "random", major: 1, minor: 8 },
  { name: "urandom", major: 1, minor: 9 },
  { name: "tty", major: 5, minor: 0 },
];

/**
 * What steps with all privileges have beside: as under BuildKit, where the worker is no root of a user namespace. Loop
 * devices make images of file systems mountable.
 */
export const PRIVILEGED_DEVICES: readonly {
  readonly name: string;
  readonly type: "character" | "block";
  readonly major: number;
  readonly minor: number;
}[] = [
  { name: "kmsg", type: "character", major: 1, minor: 11 },
  { name: "cuse", type: "character", major: 10, minor: 203 },
  { name: "fuse", type: "character", major: 10, minor: 229 },
  { name: "kvm", type: "character", major: 10, minor: 232 },
  { name: "net/tun", type: "character", major: 10, minor: 200 },
  { name: "loop-control", type: "character", major: 10, minor: 237 },
  ...Array.from(
    { length: 8 },
    (_, minor) => ({ name: `loop${minor}`, type: "block", major: 7, minor }) as const,
  ),
];

/** What a step must not see of the kernel; as under docker. */
export const MASKED_PATHS: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

/** What a step may see and must not write: core_pattern alone would give it the host. */
export const READ_ONLY_PATHS: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/** 64 MiB, as under docker. */
const SHM_SIZE_BYTES = 64 * 1024 * 1024;

/** Directories that the mounts below need in the root. */
export const SYSTEM_TARGETS: readonly string[] = ["/proc", "/sys", "/dev"];

/** How {@link systemMounts} depends on the step. */
export interface SystemMountOptions {
  readonly privileges: Privileges;
  /** Absent: the step's processes are numbered on their own, and /proc shows no others. */
  readonly sharesProcesses?: boolean | undefined;
  readonly ownNetwork: boolean;
  /** Nothing is covered nor read-only. */
  readonly insecure: boolean;
  /** Size of /dev/shm; docker's if absent. */
  readonly shmSizeBytes?: number | undefined;
  /** A directory that holds the {@link DEVICES}, and for real root the {@link PRIVILEGED_DEVICES}. */
  readonly devices: string;
}

/** proc, dev and sys, in order, with what a step must not see of them covered. */
export function systemMounts(options: SystemMountOptions): MountSpec[] {
  const { insecure } = options;
  const mounts: MountSpec[] = [
    options.sharesProcesses === true
      ? mount("/proc", "bind", "/proc", ["rbind", "nosuid", "noexec", "nodev"])
      : mount("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
    // nodev, and each device bound by itself: a node that the step makes with its CAP_MKNOD opens nothing, though
    // no device cgroup watches.
    mount("/dev", "tmpfs", "tmpfs", [
      ...["nosuid", "strictatime", "mode=755", "size=65536k"],
      ...insecure ? [] : ["nodev"],
    ]),
    mount("/dev/pts", "devpts", "devpts", [
      "nosuid",
      "noexec",
      "newinstance",
      "ptmxmode=0666",
      "mode=0620",
      // With a single mapped id there is no group 5.
      ...(options.privileges === "user-single" ? [] : ["gid=5"]),
    ]),
    mount("/dev/shm", "tmpfs", "shm", [
      "nosuid",
      "noexec",
      "nodev",
      "mode=1777",
      `size=${options.shmSizeBytes ?? SHM_SIZE_BYTES}`,
    ]),
    mount("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
    ...[...DEVICES, ...insecure && options.privileges === "root" ? PRIVILEGED_DEVICES : []].map((
      { name },
    ) => mount(`/dev/${name}`, "bind", `${options.devices}/${name}`, ["bind", "nosuid", "noexec"])),
  ];
  // sysfs belongs to a network namespace: a user may mount it only for one of their own.
  const restrictions = ["nosuid", "noexec", "nodev", ...insecure ? [] : ["ro"]];
  const bindSys = options.privileges !== "root" && !options.ownNetwork;
  mounts.push(
    bindSys
      ? mount("/sys", "bind", "/sys", ["rbind", ...restrictions])
      : mount("/sys", "sysfs", "sysfs", restrictions),
  );
  if (insecure) return mounts;
  // What comes with the host's /sys stays writable, and through it a step could leave its control group.
  if (bindSys) mounts.push(...mask("/sys/fs/cgroup", options.devices));
  return [...mounts, ...MASKED_PATHS.flatMap((path) => mask(path, options.devices))];
}

/** Covers a path, if this kernel has it. The null device is the step's own: root in a step may chmod what it sees. */
function mask(path: string, devices: string): MountSpec[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  const restrictions = ["nosuid", "noexec", "ro"];
  return [
    stats.isDirectory()
      ? mount(path, "tmpfs", "tmpfs", [...restrictions, "nodev", "size=0"])
      : mount(path, "bind", `${devices}/null`, ["bind", ...restrictions]),
  ];
}

function mount(
  destination: string,
  type: string,
  source: string,
  options: readonly string[],
): MountSpec {
  return { destination, type, source, options };
}
