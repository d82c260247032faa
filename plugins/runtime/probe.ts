/**
 * What this machine offers for running steps. Looks, changes nothing but a folder of its own in the temporary one.
 *
 * @module
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutorProbe, ProbeFinding } from "../../core/mod.ts";
import { host } from "../../core/host/mod.ts";
import { findTool } from "./find_tool.ts";
import { userNamespaceFlags } from "./namespaces.ts";
import { type FoundPrivileges, probePrivileges } from "./probe_privileges.ts";
import type { Privileges, RuntimeName } from "./protocol.ts";
import { bindLibseccomp } from "./libseccomp.ts";
import { findSeccompProfile } from "./seccomp.ts";
import { SYSTEM_TOOLS } from "./system_tools.ts";
import { tryTool } from "./try_tool.ts";

/** What was found, for all runtimes. */
interface Machine extends FoundPrivileges {
  readonly overlay: boolean;
}

/** An executor's probe, with what a session needs to know beside. */
export interface RuntimeProbe extends ExecutorProbe {
  /** The first of those asked for that is there. */
  readonly runtime: RuntimeName;
  readonly privileges: Privileges;
  readonly sharesProcesses: boolean;
}

const PACKAGES: Readonly<Record<string, string>> = {
  unshare: "util-linux",
  setpriv: "util-linux",
  mount: "mount",
  hostname: "hostname",
  crun: "crun",
  runc: "runc",
};

let machine: Promise<Machine> | undefined;

/**
 * Says whether one of some runtimes can run steps here, and what is missing. The machine is looked at once per process.
 *
 * @param runtimes The preferred one first.
 */
export async function probeRuntime(runtimes: readonly RuntimeName[]): Promise<RuntimeProbe> {
  machine ??= probeMachine();
  const { findings, privileges, overlay, sharesProcesses } = await machine;
  const runtime = runtimes.find((name) => name === "util" || findTool(name) !== undefined) ??
    runtimes[0] ?? "util";
  const tools = await Promise.all(toolsOf(runtime).map(probeTool));
  const better = runtimes.slice(0, runtimes.indexOf(runtime)).map((name): ProbeFinding => ({
    name,
    found: false,
    detail: `no ${name} on PATH: ${runtime} takes several times as long to start a step`,
    fix: `install ${PACKAGES[name]}`,
    optional: true,
  }));
  const all = [...findings, ...better, ...tools, ...seccompFindings(runtime)];
  return {
    usable: privileges !== undefined && overlay &&
      all.every(({ found, optional }) => found || optional === true),
    findings: all,
    snapshotVariant: snapshotVariant(privileges ?? "root"),
    runtime,
    privileges: privileges ?? "root",
    sharesProcesses,
  };
}

function toolsOf(runtime: RuntimeName): readonly string[] {
  return runtime === "util" ? ["setpriv", "hostname"] : [runtime];
}

/** Trees can be shared where ids on disk mean the same. */
function snapshotVariant(privileges: Privileges): string {
  if (privileges === "root") return "root";
  return `user-${process.getuid?.()}-${privileges === "user-range" ? "range" : "single"}`;
}

async function probeMachine(): Promise<Machine> {
  const nowhere = (...findings: readonly ProbeFinding[]): Machine => ({
    findings,
    privileges: undefined,
    sharesProcesses: false,
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
  const calls = probeSystemCalls();
  if (!calls.found) return nowhere(calls);
  const tools = [calls, ...await Promise.all(["unshare", "mount"].map(probeTool))];
  if (tools.some(({ found }) => !found)) return nowhere(...tools);
  const found = await probePrivileges();
  const overlay = found.privileges === undefined ? undefined : await probeOverlay(found.privileges);
  return {
    ...found,
    findings: [...tools, ...found.findings, ...overlay === undefined ? [] : [overlay]],
    overlay: overlay?.found === true,
  };
}

/** Slow ones will do. */
function probeSystemCalls(): ProbeFinding {
  const name = "system-calls";
  if (host.systemCalls() !== undefined) {
    return { name, found: true, detail: "the C library, called directly" };
  }
  const missing = Object.keys(SYSTEM_TOOLS).filter((tool) => findTool(tool) === undefined);
  const why = "the C library cannot be called (FFI)";
  if (missing.length === 0) {
    return {
      name,
      found: true,
      detail: `${why}: ${Object.keys(SYSTEM_TOOLS).join(", ")} are run instead, which is slow`,
    };
  }
  const packages = [...new Set(missing.map((tool) => SYSTEM_TOOLS[tool]))].join(", ");
  return {
    name,
    found: false,
    detail: `${why}, and ${missing.join(", ")} are not on PATH`,
    fix: `install ${packages}; or use a distribution with glibc, and --allow-ffi under Deno`,
  };
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
    const { ok, text } = await tryTool("unshare", [
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
    await tryTool("unshare", [...userNamespaceFlags(privileges), "rm", "-rf", "--", directory]);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function probeTool(name: string): Promise<ProbeFinding> {
  const path = findTool(name);
  if (path === undefined) {
    const fix = `install ${PACKAGES[name]}`;
    return { name, found: false, detail: `no ${name} on PATH`, fix };
  }
  const { ok, text } = await tryTool(path, ["--version"]);
  return { name, found: true, detail: ok ? `${path}: ${text}` : path };
}

/** Missing, they keep nobody from running steps. */
function seccompFindings(runtime: RuntimeName): ProbeFinding[] {
  const name = "seccomp";
  const without = (detail: string, fix: string): ProbeFinding => ({
    ...{ name, found: false, fix, optional: true },
    detail: `steps run without a seccomp filter: ${detail}`,
  });
  if (runtime === "util") {
    return [without("only a container runtime sets one", "install crun or runc")];
  }
  const path = findSeccompProfile();
  if (path === undefined) {
    return [
      without("no profile", "install golang-github-containers-common or containers-common"),
    ];
  }
  const profile = { name, found: true, detail: path };
  if (runtime !== "crun") return [profile];
  const version = bindLibseccomp()?.version;
  const library = "libseccomp";
  return [
    profile,
    version === undefined
      ? {
        name: library,
        found: false,
        detail: "crun compiles the seccomp filter anew for each step",
        fix: "install libseccomp2 or libseccomp",
        optional: true,
      }
      : { name: library, found: true, detail: version },
  ];
}
