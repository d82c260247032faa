/**
 * How a worker comes to the privileges it needs: the first rung of a ladder that holds.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import type { ProbeFinding } from "../../core/mod.ts";
import { isRealRoot, isRootOfNamespace, userNamespaceFlags, workerFlags } from "./namespaces.ts";
import type { Privileges } from "./protocol.ts";
import { tryTool } from "./try_tool.ts";

/** The rung. */
export interface FoundPrivileges {
  /** Undefined: there is no way. */
  readonly privileges: Privileges | undefined;
  /** No /proc for processes numbered on their own can be mounted. */
  readonly sharesProcesses: boolean;
  readonly findings: readonly ProbeFinding[];
}

/** Tries real root, a user namespace with subordinate ids, one with a single id; each with processes of its own, or not. */
export async function probePrivileges(): Promise<FoundPrivileges> {
  if (isRealRoot()) {
    return await withProcesses("root", [{ name: "privileges", found: true, detail: "root" }]);
  }
  const range = await tryTool("unshare", [...userNamespaceFlags("user-range"), "--mount", "true"]);
  if (range.ok) {
    const detail = isRootOfNamespace()
      ? "root of a user namespace"
      : "a user namespace with subordinate ids";
    return await withProcesses("user-range", [{ name: "privileges", found: true, detail }]);
  }
  const single = await tryTool("unshare", [
    ...userNamespaceFlags("user-single"),
    "--mount",
    "true",
  ]);
  if (single.ok) {
    return await withProcesses("user-single", [
      { name: "privileges", found: true, detail: "a user namespace with one id" },
      {
        name: "subordinate-ids",
        found: false,
        // newuidmap(1) prints the text of an error number that is not set.
        detail: `files of other owners cannot be made: ${range.text.replace(/: Success$/, "")}`,
        fix: rangeFix(range.text),
        optional: true,
      },
    ]);
  }
  return {
    privileges: undefined,
    sharesProcesses: false,
    findings: [{
      name: "privileges",
      found: false,
      detail: `not root, and no user namespace: ${single.text}`,
      fix: namespaceFix(),
    }],
  };
}

/** Kernels refuse a new /proc in a user namespace where parts of the old one are covered, as in containers. */
async function withProcesses(
  privileges: Privileges,
  findings: readonly ProbeFinding[],
): Promise<FoundPrivileges> {
  const { ok, text } = await tryTool("unshare", [...workerFlags({ privileges }), "true"]);
  if (ok) return { privileges, sharesProcesses: false, findings };
  const bind = await tryTool("unshare", [
    ...workerFlags({ privileges, sharesProcesses: true }),
    ...["mount", "--rbind", "/proc", "/proc"],
  ]);
  const finding = {
    name: "process-namespace",
    found: false,
    detail:
      `steps would see the processes of this machine, and what a step leaves behind has to be looked for: ${text}`,
    fix: "give the container that this runs in an unmasked /proc " +
      "(docker: --security-opt systempaths=unconfined, podman: --security-opt unmask=ALL, Kubernetes: procMount: Unmasked)",
  } as const;
  return bind.ok
    ? { privileges, sharesProcesses: true, findings: [...findings, { ...finding, optional: true }] }
    : { privileges: undefined, sharesProcesses: false, findings: [...findings, finding] };
}

/** What unshare(1) says tells what it lacks. */
function rangeFix(text: string): string {
  if (/unrecognized option/.test(text)) return "install util-linux 2.38 or later";
  if (/sub[ug]id/.test(text)) {
    return 'give this user ids: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "$USER"';
  }
  return "install uidmap (newuidmap, newgidmap), with its set-user-ID bits in force";
}

/** The setting of this kernel that forbids user namespaces. */
function namespaceFix(): string {
  const settings: readonly (readonly [path: string, forbids: string, fix: string])[] = [
    ["kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"],
    ["user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"],
    [
      "kernel/apparmor_restrict_unprivileged_userns",
      "1",
      "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that allows them",
    ],
  ];
  const found = settings.filter(([path, forbids]) => readSetting(path) === forbids);
  const fixes = found.length === 0 ? settings : found;
  return `run as root, or allow user namespaces: ${fixes.map(([, , fix]) => fix).join("; ")}`;
}

function readSetting(path: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${path}`, "utf8").trim();
  } catch {
    return undefined;
  }
}
