/**
 * Runs an unpacked image as a container would, as bare as it gets.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import type { ContainerConfig } from "../../core/oci/image_config.ts";

/**
 * Starts the entrypoint in a root file system, with /proc, /dev and a loopback interface of its own, and runs the image's own
 * health check until it passes. Needs root on Linux.
 */
export function startAndCheckHealth(root: string, config: ContainerConfig): void {
  const inside = [
    "env",
    "-i",
    ...config.Env ?? [],
    "/usr/sbin/chroot",
    `--userspec=${config.User}`,
    root,
  ];
  const [program = "", ...args] = config.Entrypoint ?? [];
  const server = [...inside, program, `--cwd=${config.WorkingDir}`, ...args];
  const script = `
    mkdir -p "$0/proc" "$0/dev" && mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" || exit 90
    ip link set lo up || exit 91
    cd /
    ${server.join(" ")} >&2 &
    tries=0
    until "$@" 2>/dev/null; do
      tries=$((tries + 1))
      test "$tries" -lt 100 || exit 92
    done`;
  const run = spawnSync("unshare", [
    ...["--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", script, root],
    ...[...inside, ...config.Healthcheck?.Test?.slice(1) ?? []],
  ], { encoding: "utf8", timeout: 60_000 });
  assert.equal(run.status, 0, run.stderr);
}
