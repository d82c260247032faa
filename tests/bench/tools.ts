/**
 * The programs that are compared: ours on each runtime, and every peer that is installed.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { programPath } from "../support/program_path.ts";
import { runtimeCommands } from "../support/runtimes.ts";
import type { Command } from "./measure.ts";

/** Layerwright on one runtime. */
export interface Engine {
  /** `layerwright (Bun)`, `layerwright (Deno)`. */
  readonly tool: string;
  /** The runtime itself; a launcher in front of it would be measured too. */
  readonly program: string;
  /** `bin/main.ts` with these arguments and this store. */
  command(args: readonly string[], home: string): Command;
  /** A module of ours, run directly. */
  module(path: string, args: readonly string[]): Command;
}

/** The two names that ratios are made for. */
export const BUN_TOOL = "layerwright (Bun)";
export const DENO_TOOL = "layerwright (Deno)";

const MAIN = fileURLToPath(new URL("../../bin/main.ts", import.meta.url));

/** Layerwright on the runtimes that are installed, Bun first. */
export function engines(): Engine[] {
  return runtimeCommands(MAIN).map(([launcher = "", ...rest]) => {
    const deno = rest.includes("-A");
    const flags = deno ? ["run", "-A", "--no-lock"] : ["run"];
    const program = spawnSync(
      launcher,
      deno ? ["eval", "console.log(Deno.execPath())"] : ["-e", "console.log(process.execPath)"],
      { encoding: "utf8" },
    ).stdout.trim() || launcher;
    return {
      tool: deno ? DENO_TOOL : BUN_TOOL,
      program,
      command: (args: readonly string[], home: string): Command => ({
        argv: [program, ...flags, MAIN, ...args],
        env: { LAYERWRIGHT_HOME: home, NO_COLOR: "1" },
      }),
      module: (path: string, args: readonly string[]): Command => ({
        argv: [program, ...flags, path, ...args],
      }),
    };
  }).sort((a, b) => Number(a.tool === DENO_TOOL) - Number(b.tool === DENO_TOOL));
}

const VERSION_ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  openssl: ["version"],
  // Its own name without a command prints the version.
  busybox: [],
  "libdeflate-gzip": ["-V"],
  docker: ["version", "--format", "{{.Server.Version}}"],
};

/** Peers that can run here, with the versions they state; docker only where its daemon answers. */
export function installedPeers(): ReadonlyMap<string, string> {
  const peers = new Map<string, string>();
  const names = [
    ...["buildah", "umoci", "skopeo", "docker", "runc", "crun", "busybox"],
    ...["tar", "pigz", "zstd", "libdeflate-gzip", "openssl", "find", "git"],
  ];
  for (const name of names) {
    if (programPath(name) === undefined) continue;
    const args = VERSION_ARGUMENTS[name] ?? ["--version"];
    const { status, stdout, stderr } = spawnSync(name, args, { encoding: "utf8", timeout: 5000 });
    if (name === "docker" && status !== 0) continue;
    const line = `${stdout}${stderr}`.trim().split("\n")[0] ?? "";
    peers.set(name, /\d+\.\d[\w.+~-]*/.exec(line)?.[0] ?? line.slice(0, 60));
  }
  return peers;
}

/** buildah with a store of its own. Neither cgroups nor a network is needed, so that it runs in containers too. */
export class Buildah {
  readonly #folder: string;
  readonly #driver: string;

  constructor(folder: string, overlay: boolean) {
    this.#folder = folder;
    this.#driver = overlay ? "overlay" : "vfs";
  }

  /** Builds with layers cached. */
  build(dockerfile: string, context: string, args: readonly string[] = []): Command {
    return this.#command(
      ...["build", "--layers", "--isolation", "chroot", "-q", "-t", "localhost/bench"],
      ...[...args, "-f", dockerfile, context],
    );
  }

  /** Compresses the layers into an OCI layout: what makes the result comparable with ours. */
  push(layout: string): Command {
    return this.#command("push", "-q", "localhost/bench", `oci:${layout}:bench`);
  }

  #command(...args: readonly string[]): Command {
    return {
      argv: [
        ...["buildah", "--root", `${this.#folder}/root`, "--runroot", `${this.#folder}/runroot`],
        ...["--storage-driver", this.#driver, ...args],
      ],
      env: { TMPDIR: this.#folder },
    };
  }
}

/** A pipe of programs; one that fails makes the whole fail. */
export function pipeline(script: string, cwd: string): Command {
  return { argv: ["bash", "-c", `set -o pipefail; ${script}`], cwd };
}
