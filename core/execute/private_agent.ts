/**
 * An ssh-agent of our own, for keys that are given as files.
 *
 * @see draft-ietf-sshm-ssh-agent; openssh, ssh-agent(1), ssh-add(1), PROTOCOL.key
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LayerwrightError, systemErrorCode } from "../errors.ts";

/** A running agent. */
export interface PrivateAgent {
  readonly socket: string;
  /** Ends it and removes its folder. */
  end(): Promise<void>;
}

/** No key is near this. */
const KEY_LIMIT_BYTES = 100 * 1024;

/**
 * Says its process id when the agent is there, and ends the agent when its own stdin does: also when the engine is
 * killed, so that no agent outlives it with keys in it.
 */
const WATCH = 'echo "$SSH_AGENT_PID"; cat >/dev/null; kill "$SSH_AGENT_PID"; ' +
  'rm -f "$SSH_AUTH_SOCK"; rmdir "${SSH_AUTH_SOCK%/*}"';

/**
 * Starts an agent on a socket in a folder of the caller's alone, and gives it keys.
 *
 * @param id Names it in errors.
 * @throws {LayerwrightError} `SSH_MISSING` for keys that cannot be used; `EXECUTABLE_NOT_FOUND` without openssh-client.
 */
export async function startAgent(id: string, keys: readonly string[]): Promise<PrivateAgent> {
  // Read first: what is wrong with a key needs no agent to be told.
  const contents = keys.map((path) => readKey(id, path));
  const directory = mkdtempSync(join(tmpdir(), "lw-ssh-"));
  chmodSync(directory, 0o700);
  const socket = join(directory, "agent");
  const child = spawn("ssh-agent", ["-a", socket, "sh", "-c", WATCH], {
    cwd: "/",
    stdio: ["pipe", "pipe", "pipe"],
    // Ctrl-C on the terminal is for us: we decide when it ends.
    detached: true,
  });
  child.stdin.on("error", () => {});
  const ended = new Promise<void>((resolve) => {
    child.on("error", () => resolve());
    child.on("close", () => resolve());
  });
  const agent: PrivateAgent = {
    socket,
    async end(): Promise<void> {
      child.stdin.end();
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await started(id, child, socket);
    for (const [index, key] of contents.entries()) {
      await addKey(id, { key, path: keys[index] ?? "", socket });
    }
    return agent;
  } catch (error) {
    await agent.end();
    throw error;
  }
}

/** Waits until the agent has said its process id. */
async function started(id: string, child: ChildProcess, socket: string): Promise<void> {
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  await new Promise<void>((resolve, reject) => {
    child.on("error", (cause) => reject(noClient(id, cause)));
    child.stdout?.on("data", () => resolve());
    child.on("close", () => reject(failed(id, `ssh-agent ended: ${errors.trim()}`)));
  });
  if (!existsSync(socket)) throw failed(id, "ssh-agent made no socket");
}

/** From stdin: the key is on no further disk, and whoever may read its file is the user's business. */
async function addKey(
  id: string,
  { key, path, socket }: {
    readonly key: Uint8Array;
    readonly path: string;
    readonly socket: string;
  },
): Promise<void> {
  const child = spawn("ssh-add", ["-q", "-"], {
    cwd: "/",
    stdio: ["pipe", "ignore", "pipe"],
    // Without a terminal of its own it cannot wait for a passphrase.
    detached: true,
    env: { PATH: process.env.PATH ?? "", SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: "never" },
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  child.stdin.on("error", () => {});
  child.stdin.end(key);
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on("error", (cause) => reject(noClient(id, cause)));
    child.on("close", resolve);
  });
  if (exitCode === 0) return;
  const said = errors.trim().split("\n").at(-1) ?? "";
  throw failed(id, `ssh-add does not take the key ${JSON.stringify(path)}: ${said}`);
}

function readKey(id: string, path: string): Uint8Array {
  let key: Uint8Array;
  try {
    if (statSync(path).size > KEY_LIMIT_BYTES) {
      throw failed(id, `${JSON.stringify(path)} is too large for a key`);
    }
    key = readFileSync(path);
  } catch (error) {
    if (error instanceof LayerwrightError) throw error;
    throw failed(id, `the key ${JSON.stringify(path)} cannot be read: ${systemErrorCode(error)}`);
  }
  const text = new TextDecoder("latin1").decode(key);
  if (!/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) {
    throw failed(id, `${JSON.stringify(path)} holds no private key`);
  }
  if (isEncrypted(text)) {
    throw new LayerwrightError(
      "SSH_MISSING",
      `Cannot use ssh ${JSON.stringify(id)}: the key ${
        JSON.stringify(path)
      } is protected by a passphrase, and nobody can be asked for it`,
      {
        hint:
          `give it to your own agent (ssh-add ${path}), and the agent to the build: --ssh ${id}`,
      },
    );
  }
  return key;
}

/** PEM says it in words; the format of OpenSSH names a cipher, `none` for no protection. */
function isEncrypted(text: string): boolean {
  if (/^Proc-Type: 4,ENCRYPTED|BEGIN ENCRYPTED PRIVATE KEY/m.test(text)) return true;
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)/.exec(text)?.[1];
  if (body === undefined) return false;
  const bytes = Buffer.from(body.replace(/\s+/g, ""), "base64");
  const magic = "openssh-key-v1\0".length;
  if (bytes.length < magic + 4) return false;
  const length = bytes.readUInt32BE(magic);
  return bytes.toString("latin1", magic + 4, magic + 4 + length) !== "none";
}

function failed(id: string, why: string): LayerwrightError {
  return new LayerwrightError("SSH_MISSING", `Cannot use ssh ${JSON.stringify(id)}: ${why}`, {
    hint: "name the socket of an agent, or files of private keys without a passphrase",
  });
}

function noClient(id: string, cause: Error): LayerwrightError {
  return new LayerwrightError(
    "EXECUTABLE_NOT_FOUND",
    `Cannot use ssh ${JSON.stringify(id)}: keys need ssh-agent and ssh-add, which are not here`,
    { cause, hint: "install openssh-client, or give the socket of an agent" },
  );
}
