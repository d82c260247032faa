/**
 * An ssh server of this machine for this machine alone, with keys of its own.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { programPath } from "./program_path.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

/** Why there can be none here; undefined where there can. */
export const noSshd: string | undefined = process.getuid?.() !== 0
  ? "needs root"
  : ["ssh", "ssh-keygen"].some((name) => programPath(name) === undefined) || sshd() === undefined
  ? "needs openssh-client and openssh-server"
  : undefined;

/** A server that runs. */
export interface LoopbackSshd extends AsyncDisposable {
  /** argv that runs a command through it, word for word. */
  command(words: readonly string[]): string[];
}

// Where its unprivileged half lives; made by the service, which does not run here.
const SEPARATION = "/run/sshd";
const PATIENCE_MS = 20_000;

/** Starts a server. */
export async function startSshd(): Promise<LoopbackSshd> {
  const directory = temporaryDirectory();
  const path = (name: string): string => join(directory.path, name);
  for (const name of ["host_key", "user_key"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path(name)]);
  }
  const port = await freePort();
  const hostKey = readFileSync(path("host_key.pub"), "utf8");
  writeFileSync(path("known_hosts"), `[127.0.0.1]:${port} ${hostKey}`);
  writeFileSync(path("authorized_keys"), readFileSync(path("user_key.pub")));
  writeFileSync(
    path("sshd_config"),
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${path("host_key")}`,
      `AuthorizedKeysFile ${path("authorized_keys")}`,
      `PidFile ${path("pid")}`,
      "PermitRootLogin prohibit-password",
      "PasswordAuthentication no",
      "UsePAM no",
      // The folder of the keys is in a temporary one, which all may write to.
      "StrictModes no",
      "",
    ].join("\n"),
  );
  const madeSeparation = !existsSync(SEPARATION);
  if (madeSeparation) mkdirSync(SEPARATION, { mode: 0o755 });
  const server = spawn(sshd() ?? "", ["-D", "-e", "-f", path("sshd_config")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  server.stderr.on("data", (bytes) => {
    log += String(bytes);
  });
  await listening(port, server, () => log);
  return {
    command: (words) => [
      ...["ssh", "-F", "none", "-T", "-i", path("user_key"), "-p", String(port)],
      ...["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"],
      ...["-o", `UserKnownHostsFile=${path("known_hosts")}`],
      ...["root@127.0.0.1", words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ")],
    ],
    async [Symbol.asyncDispose](): Promise<void> {
      const ended = once(server, "exit");
      server.kill("SIGTERM");
      if (server.exitCode === null) await ended;
      directory[Symbol.dispose]();
      if (madeSeparation) rmdirSync(SEPARATION);
    },
  };
}

function sshd(): string | undefined {
  const path = "/usr/sbin/sshd";
  return existsSync(path) ? path : programPath("sshd");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function listening(port: number, server: ChildProcess, log: () => string): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS;; await sleep(20)) {
    if (server.exitCode !== null) throw new Error(`sshd ended: ${log()}`);
    const socket = createConnection(port, "127.0.0.1");
    const answered = await new Promise((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (answered) return;
    if (Date.now() > end) throw new Error(`sshd does not listen: ${log()}`);
  }
}
