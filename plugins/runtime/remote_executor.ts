/**
 * Steps on another machine, by a command that leads there.
 *
 * @module
 */
import {
  definePlugin,
  type ExecSession,
  type Executor,
  type ExecutorProbe,
  LayerwrightError,
  type Plugin,
} from "../../core/mod.ts";

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const CONNECTION: string = "./remote_connection.ts";
const CHANNEL: string = "./remote_channel.ts";
const SESSION: string = "./session.ts";

/** Where the other machine is. */
export interface RemoteOptions {
  /**
   * A program and its arguments, whose standard input and output lead to `layerwright worker`:
   * `["ssh", "build.example.org", "layerwright", "worker"]`. Nothing may ask for a password, or print anything first.
   */
  readonly command: readonly string[];
}

/**
 * Runs steps on another machine: layers travel there and back, everything else stays here. Steps give the same layers
 * as here. Files that caches hold are that machine's.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { remoteExecutor } from "./remote_executor.ts";
 * const executor = remoteExecutor({ command: ["sh", "-c", "echo layerwright: not found >&2; exit 127"] });
 * await assert.rejects(executor.probe(), { code: "RUN_WORKER_FAILED" });
 * ```
 */
export function remoteExecutor(options: RemoteOptions): Executor {
  return executorFor(() => options.command);
}

/** {@link remoteExecutor} as a plugin: before the default ones in the list, it is taken instead of them. */
export function remoteRuntime(options: RemoteOptions): Plugin {
  return definePlugin({ name: "remote", executors: [remoteExecutor(options)] });
}

/** The machine that `LAYERWRIGHT_REMOTE` names, if it does when a build needs it. */
export function remoteExecutorOfEnvironment(): Executor {
  return executorFor(() => commandOf(process.env.LAYERWRIGHT_REMOTE ?? ""));
}

/** Words between blanks, or a JSON array of them. */
function commandOf(text: string): readonly string[] {
  if (!text.trimStart().startsWith("[")) return text.split(/\s+/).filter((word) => word !== "");
  const words: unknown = parsed(text);
  if (Array.isArray(words) && words.every((word) => typeof word === "string")) return words;
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot read LAYERWRIGHT_REMOTE: ${JSON.stringify(text)} is no JSON array of words`,
    { hint: 'write a command, or an array: ["ssh", "host", "layerwright", "worker"]' },
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function executorFor(commandNow: () => readonly string[]): Executor {
  return {
    name: "remote",
    async probe(): Promise<ExecutorProbe> {
      const command = commandNow();
      if (command.length === 0) return NOT_NAMED;
      const { connect }: typeof import("./remote_connection.ts") = await import(CONNECTION);
      const { hello, machine, close, ended } = await connect(command);
      close();
      await ended;
      const shown = JSON.stringify(command.join(" "));
      const detail = `${shown}: Layerwright ${hello.version}` +
        (machine.executor === undefined ? "" : `, steps run with ${machine.executor}`);
      const findings = [{ name: "connection", found: true, detail }, ...machine.findings];
      return { usable: machine.usable, findings, required: true };
    },
    async open(options): Promise<ExecSession> {
      const command = commandNow();
      const { connect }: typeof import("./remote_connection.ts") = await import(CONNECTION);
      const { remoteChannel }: typeof import("./remote_channel.ts") = await import(CHANNEL);
      const { openSession }: typeof import("./session.ts") = await import(SESSION);
      const channel = remoteChannel(await connect(command, options.signal));
      const { workDirectory, signal } = options;
      // All that privileges decide on this side is how the work directory is removed, and it is empty.
      return await openSession({
        ...{ workDirectory, channel, runtime: "util", privileges: "root" },
        ...signal === undefined ? {} : { signal },
      });
    },
  };
}

const NOT_NAMED: ExecutorProbe = {
  usable: false,
  findings: [{
    name: "remote",
    found: false,
    detail: "no other machine is named",
    fix: 'set LAYERWRIGHT_REMOTE to a command that leads to one: "ssh host layerwright worker"',
  }],
};
