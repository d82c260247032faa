/**
 * A worker whose steps may use the terminal of this process: it has our stdin and stdout, and talks through a socket.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { isatty } from "node:tty";
import { host } from "../../core/host/mod.ts";
import { entryPoint } from "./entry_point.ts";
import { workerFlags, type WorkerNamespaces } from "./namespaces.ts";
import { endWorker, type WorkerChannel } from "./worker_process.ts";

/** sockaddr_un has room for 107 bytes, of which this leaves some for the names below it. */
const LONGEST_FOLDER = 80;
const STDERR_TAIL_CHARACTERS = 4000;

/**
 * Starts a worker in the session of our terminal: whoever reads from it gets what is typed, Ctrl-C included. However the
 * worker ends, the terminal is left as it was found.
 */
export function startTerminalWorker(namespaces: WorkerNamespaces): WorkerChannel {
  const temporary = tmpdir();
  // Nobody else can look into it, so nobody else can connect.
  const directory = mkdtempSync(
    join(Buffer.byteLength(temporary) > LONGEST_FOLDER ? "/tmp" : temporary, "lw-"),
  );
  const path = join(directory, "s");
  const restore = rememberTerminal();
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  const waiting: string[] = [];
  let take: (line: string) => void = () => {};
  let socket: Socket | undefined;
  let child: ChildProcess | undefined;
  let isKilled = false;
  let stderr = "";

  const unlisten = (): void => {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  };
  const server = createServer((connection) => {
    if (socket !== undefined) return void connection.destroy();
    socket = connection;
    // Whatever kills us: nothing is left of it.
    unlisten();
    // Writes to a dead worker fail; its end tells those who wait.
    connection.on("error", () => {});
    createInterface({ input: connection }).on("line", (line) => take(line));
    for (const line of waiting) connection.write(`${line}\n`);
  });
  const finish = (): void => {
    unlisten();
    socket?.destroy();
    restore();
    end(stderr);
  };
  const fail = (error: Error): void => {
    stderr += error.message;
    finish();
  };
  server.on("error", fail);
  server.listen(path, () => {
    if (isKilled) return finish();
    const started = spawn("unshare", [
      ...workerFlags(namespaces),
      "--",
      ...host.selfCommand(entryPoint("worker", import.meta.url)),
      path,
    ], { cwd: "/", stdio: ["inherit", "inherit", "pipe"] });
    child = started;
    started.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-STDERR_TAIL_CHARACTERS);
    });
    started.on("error", fail);
    started.on("close", finish);
  });
  return {
    send(line): void {
      if (socket === undefined) waiting.push(line);
      else socket.write(`${line}\n`);
    },
    receive(reader): void {
      take = reader;
    },
    ended,
    kill(): void {
      isKilled = true;
      if (child !== undefined) endWorker(child, namespaces);
    },
  };
}

/** Notes the settings of our terminal, if there is one. @returns What sets them again. */
function rememberTerminal(): () => void {
  if (!isatty(0)) return () => {};
  const { stdout } = spawnSync("stty", ["-g"], {
    stdio: ["inherit", "pipe", "ignore"],
    encoding: "utf8",
  });
  const settings = stdout?.trim() ?? "";
  return () => {
    if (settings !== "") spawnSync("stty", [settings], { stdio: ["inherit", "ignore", "ignore"] });
  };
}
