/**
 * What this machine offers for running steps. Looks, changes nothing but a folder of its own in the temporary one.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutorProbe, ProbeFinding } from "../../core/mod.ts";
import { host } from "../../core/host/mod.ts";
import { findTool } from "./find_tool.ts";
import { userNamespaceFlags } from "./namespaces.ts";
import type { Privileges, RuntimeName } from "./protocol.ts";
import { findSeccompProfile } from "./seccomp.ts";

/** What was found, for all runtimes. */
interface Machine {
  readonly findings: readonly ProbeFinding[];
  /** Undefined: there is no way to the privileges a worker needs. */
  readonly privileges: Privileges | undefined;
  readonly overlay: boolean;
}

/** An executor's probe, with what a session needs to know beside. */
export interface RuntimeProbe extends ExecutorProbe {
  readonly privileges: Privileges;
}

const CAP_SYS_ADMIN = 21n;
const PACKAGES: Readonly<Record<string, string>> = {
  unshare: "util-linux",
  setpriv: "util-linux",
  mount: "mount",
  hostname: "hostname",
  crun: "crun",
};

let machine: Promise<Machine> | undefined;

/** Says whether a runtime can run steps here, and what is missing. The machine is looked at once per process. */
export async function probeRuntime(runtime: RuntimeName): Promise<RuntimeProbe> {
  machine ??= probeMachine();
  const { findings, privileges, overlay } = await machine;
  const tools = await Promise.all(toolsOf(runtime).map(probeTool));
  const usable = privileges !== undefined && overlay && [...findings, ...tools]
    .every(({ found, fix }) => found || fix === undefined);
  return {
    usable,
    findings: [...findings, ...tools, seccompFinding(runtime)],
    snapshotVariant: snapshotVariant(privileges ?? "root"),
    privileges: privileges ?? "root",
  };
}

function toolsOf(runtime: RuntimeName): readonly string[] {
  return runtime === "crun" ? ["crun"] : ["setpriv", "hostname"];
}

/** Trees can be shared where ids on disk mean the same. */
function snapshotVariant(privileges: Privileges): string {
  if (privileges === "root") return "root";
  return `user-${process.getuid?.()}-${privileges === "user-range" ? "range" : "single"}`;
}

async function probeMachine(): Promise<Machine> {
  const nowhere = (finding: ProbeFinding): Machine => ({
    findings: [finding],
    privileges: undefined,
    overlay: false,
  });
  if (process.platform !== "linux" || !existsSync("/proc/self/ns")) {
    return nowhere({
      name: "linux",
      found: false,
      detail: `this is ${process.platform}`,
      fix: "run steps on Linux: a virtual machine, WSL 2 or a container",
    });
  }
  if (host.systemCalls() === undefined) {
    return nowhere({
      name: "system-calls",
      found: false,
      detail: "the C library cannot be called",
      fix: "use a distribution with glibc, and --allow-ffi under Deno",
    });
  }
  const tools = await Promise.all(["unshare", "mount"].map(probeTool));
  if (tools.some(({ found }) => !found)) {
    return { findings: tools, privileges: undefined, overlay: false };
  }
  const { privileges, finding } = await probePrivileges();
  const overlay = privileges === undefined ? undefined : await probeOverlay(privileges);
  return {
    findings: [...tools, finding, ...overlay === undefined ? [] : [overlay]],
    privileges,
    overlay: overlay?.found === true,
  };
}

async function probePrivileges(): Promise<
  { readonly privileges: Privileges | undefined; readonly finding: ProbeFinding }
> {
  const name = "privileges";
  if (isRoot()) return { privileges: "root", finding: { name, found: true, detail: "root" } };
  const refusals: string[] = [];
  for (const privileges of ["user-range", "user-single"] as const) {
    const attempt = await run("unshare", [...userNamespaceFlags(privileges), "--mount", "true"]);
    if (!attempt.ok) {
      refusals.push(attempt.text);
      continue;
    }
    const detail = privileges === "user-range"
      ? "a user namespace with subordinate ids"
      : `a user namespace with one id only: files of other owners cannot be made (${refusals[0]})`;
    return { privileges, finding: { name, found: true, detail } };
  }
  return {
    privileges: undefined,
    finding: {
      name,
      found: false,
      detail: `not root, and no user namespace: ${refusals.at(-1) ?? ""}`,
      fix: "run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1; " +
        "on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile)",
    },
  };
}

/** Root without CAP_SYS_ADMIN, as in most containers, cannot mount. */
function isRoot(): boolean {
  if (process.getuid?.() !== 0) return false;
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return (BigInt(`0x${effective ?? "0"}`) >> CAP_SYS_ADMIN & 1n) === 1n;
}

/** Mounts one, for real: kernels, outer containers and file systems all have their say. */
async function probeOverlay(privileges: Privileges): Promise<ProbeFinding> {
  const directory = mkdtempSync(join(tmpdir(), "lw-probe-"));
  const options = [
    "lowerdir=l,upperdir=u,workdir=w,volatile",
    ...privileges === "root" ? [] : ["userxattr"],
  ].join(",");
  const script = `cd "$1" && mkdir l u w m && mount -t overlay -o ${options} overlay m`;
  try {
    const { ok, text } = await run("unshare", [
      ...userNamespaceFlags(privileges),
      ...["--mount", "--propagation", "private", "sh", "-c", script, "sh", directory],
    ]);
    return ok ? { name: "overlay", found: true, detail: "kernel overlayfs" } : {
      name: "overlay",
      found: false,
      detail: text,
      fix:
        "load the overlay module, use Linux 5.11 or later, and a temporary folder that is no overlay",
    };
  } finally {
    // work/ is closed even to its owner.
    await run("unshare", [...userNamespaceFlags(privileges), "rm", "-rf", "--", directory]);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function probeTool(name: string): Promise<ProbeFinding> {
  const path = findTool(name);
  if (path === undefined) {
    const fix = `install ${PACKAGES[name]}`;
    return { name, found: false, detail: `no ${name} on PATH`, fix };
  }
  const { ok, text } = await run(path, ["--version"]);
  return { name, found: true, detail: ok ? `${path}: ${text}` : path };
}

/** Missing, it keeps nobody from running steps. */
function seccompFinding(runtime: RuntimeName): ProbeFinding {
  const name = "seccomp";
  if (runtime === "util") {
    return {
      name,
      found: false,
      detail: "steps run without a seccomp filter: only a container runtime sets one",
    };
  }
  const path = findSeccompProfile();
  return path === undefined
    ? {
      name,
      found: false,
      detail:
        "steps run without a seccomp filter: no profile (package golang-github-containers-common)",
    }
    : { name, found: true, detail: path };
}

/** Runs a tool; `text` is the first line it printed, errors first. */
function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly ok: boolean; readonly text: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: "/" }, (error, stdout, stderr) => {
      const text = `${error === null ? stdout : stderr}`.trim().split("\n")[0] ?? "";
      resolve({ ok: error === null, text: text === "" ? error?.message ?? "" : text });
    });
  });
}
