/** A real agent with a key, for a test. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { programPath } from "./program_path.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

/** Why there is no agent here, for a test's name; undefined where there is one. */
export const sshObstacle: string | undefined = ["ssh-agent", "ssh-add", "ssh-keygen"]
    .every((name) => programPath(name) !== undefined)
  ? undefined
  : "needs openssh-client";

/** Makes a key pair. @returns its fingerprint. */
export function makeKey(path: string, passphrase = "", format: readonly string[] = []): string {
  const made = spawnSync(
    "ssh-keygen",
    ["-q", "-t", "ed25519", ...format, "-N", passphrase, "-C", "test", "-f", path],
    { encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(made.stderr);
  const shown = spawnSync("ssh-keygen", ["-l", "-f", `${path}.pub`], { encoding: "utf8" });
  return shown.stdout.split(" ")[1] ?? "";
}

/** A running agent that holds one key. */
export interface TestAgent extends AsyncDisposable {
  readonly socket: string;
  readonly fingerprint: string;
}

/** Starts an agent. `await using` ends it. */
export async function startTestAgent(): Promise<TestAgent> {
  const folder = temporaryDirectory();
  const socket = join(folder.path, "agent");
  const key = join(folder.path, "key");
  const fingerprint = makeKey(key);
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(agent, "close");
  // It says where it is when it is there.
  await once(agent.stdout, "data");
  const added = spawnSync("ssh-add", ["-q", key], { env: { SSH_AUTH_SOCK: socket } });
  if (added.status !== 0) throw new Error(String(added.stderr));
  return {
    socket,
    fingerprint,
    async [Symbol.asyncDispose](): Promise<void> {
      agent.kill();
      await ended;
      folder[Symbol.dispose]();
    },
  };
}
