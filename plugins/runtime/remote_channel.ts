/**
 * A worker on another machine as a session sees it: what a session asks for in paths is asked for in numbers, and
 * layers go along.
 *
 * @module
 */
import { statSync } from "node:fs";
import { LayerwrightError } from "../../core/errors.ts";
import type { ResolvedMount, RunRequest, RunResult, UnpackRequest } from "../../core/mod.ts";
import { errorData } from "./error_data.ts";
import { parseWorkerMessage } from "./message_schema.ts";
import type { WorkerMessage, WorkerOptions, WorkerRequest } from "./protocol.ts";
import type { RemoteConnection } from "./remote_connection.ts";
import { ArrivingLayer, fileIdentity, sendFile } from "./remote_layers.ts";
import type { RemoteMount, RemoteRequest, RemoteRun } from "./remote_protocol.ts";
import { parseLayerData } from "./remote_schema.ts";
import { RemoteTrees } from "./remote_trees.ts";
import { removeTree } from "./remove_tree.ts";
import type { WorkerChannel } from "./worker_process.ts";

/** Wraps a connection. */
export function remoteChannel(connection: RemoteConnection): WorkerChannel {
  return new RemoteChannel(connection);
}

/** What no session can read. */
const BROKEN_LINE = "";

class RemoteChannel implements WorkerChannel {
  readonly ended: Promise<string>;
  readonly #connection: RemoteConnection;
  readonly #trees = new RemoteTrees();
  /** Layers that were sent, or are being sent: once each, by the file they were in. */
  readonly #sent = new Map<string, Promise<number>>();
  readonly #arriving = new Map<number, ArrivingLayer>();
  #take: (line: string) => void = () => {};
  #isClosed = false;
  #lastLayer = 0;

  constructor(connection: RemoteConnection) {
    this.#connection = connection;
    this.ended = connection.ended.then((stderr) => {
      this.#isClosed = true;
      this.#discardAll();
      return stderr;
    });
  }

  receive(take: (line: string) => void): void {
    this.#take = take;
    void this.#read();
  }

  send(line: string): void {
    const said = JSON.parse(line) as WorkerOptions | WorkerRequest;
    // The worker's machine has its own answers to what the options say.
    if (!("type" in said)) return this.#say({ type: "open" });
    try {
      this.#request(said);
    } catch (error) {
      this.#fail(said.id, error);
    }
  }

  kill(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#discardAll();
    this.#connection.close();
  }

  #discardAll(): void {
    for (const layer of this.#arriving.values()) layer.discard();
    this.#arriving.clear();
  }

  #request(said: WorkerRequest): void {
    const { id } = said;
    switch (said.type) {
      case "cancel":
        return this.#say({ type: "cancel", id });
      case "unpack":
        return void this.#unpack(id, said.request).catch((error) => this.#fail(id, error));
      case "remove":
        said.directories.forEach(removeTree);
        return this.#say({ type: "remove", id, trees: this.#trees.forget(said.directories) });
      case "run": {
        const request = this.#runOf(said.request);
        const { layerPath } = said.request;
        if (layerPath !== undefined) this.#arriving.set(id, new ArrivingLayer(layerPath));
        return this.#say({ type: "run", id, request });
      }
    }
  }

  #say(request: RemoteRequest): void {
    void this.#connection.writer.send(request);
  }

  async #unpack(id: number, { tarPath, lowers, directory }: UnpackRequest): Promise<void> {
    const below = this.#trees.numbersOf(lowers);
    const file = fileIdentity(tarPath);
    let sent = this.#sent.get(file);
    if (sent === undefined) {
      sent = this.#sendLayer(tarPath);
      this.#sent.set(file, sent);
      sent.catch(() => this.#sent.delete(file));
    }
    const layer = await sent;
    this.#say({ type: "unpack", id, layer, lowers: below, tree: this.#trees.add(directory) });
  }

  async #sendLayer(tarPath: string): Promise<number> {
    const layer = ++this.#lastLayer;
    const { writer } = this.#connection;
    const diffId = await sendFile(tarPath, async (base64) => {
      if (this.#isClosed || writer.isBroken) throw new Error("the connection is closed");
      await writer.send({ type: "layer", layer, base64 } satisfies RemoteRequest);
    });
    this.#say({ type: "layer-end", layer, diffId });
    return layer;
  }

  #runOf(request: RunRequest): RemoteRun {
    const { lowers, mounts, layerPath, upperDirectory, failedDirectory, terminal, ...rest } =
      request;
    if (terminal === true) throw unsupported("give a step this terminal");
    return {
      ...rest,
      lowers: this.#trees.numbersOf(lowers),
      mounts: mounts.map((mount) => this.#mountOf(mount)),
      layer: layerPath !== undefined,
      ...upperDirectory === undefined ? {} : { upper: this.#trees.add(upperDirectory) },
      ...failedDirectory === undefined ? {} : { failed: this.#trees.add(failedDirectory) },
    };
  }

  #mountOf(mount: ResolvedMount): RemoteMount {
    switch (mount.type) {
      case "layers":
        return { ...mount, lowers: this.#trees.numbersOf(mount.lowers) };
      case "directory":
        return cacheOf(mount);
      case "socket":
        throw unsupported("pass on a socket", "an ssh agent is one");
      case "tmpfs":
      case "secret":
        return mount;
    }
  }

  async #read(): Promise<void> {
    try {
      for await (const line of this.#connection.lines) {
        const message = this.#received(line);
        if (message !== undefined) this.#take(message);
      }
    } catch {
      // A line that says nothing, or has no end: the session knows what to do with one it cannot read.
      if (!this.#isClosed) this.#take(BROKEN_LINE);
    }
  }

  /** Keeps what is a layer; gives back what is for the session. */
  #received(line: string): string | undefined {
    // Bytes of layers come in thousands of lines: nothing else begins like this.
    if (line.startsWith('{"type":"layer"')) {
      const { id, base64 } = parseLayerData(JSON.parse(line));
      const arriving = this.#arriving.get(id);
      if (arriving === undefined) return BROKEN_LINE;
      arriving.take(base64);
      return undefined;
    }
    if (line.startsWith('{"type":"output"')) return line;
    const message = parseWorkerMessage(line);
    if (message.type === "ready" || message.type === "output") return line;
    const arriving = this.#arriving.get(message.id);
    if (arriving === undefined) return line;
    this.#arriving.delete(message.id);
    const result = message.type === "done" ? message.result : undefined;
    if (result?.layer === undefined) {
      arriving.discard();
      return line;
    }
    try {
      checkChunks(result.layer);
      arriving.finish(result.layer);
      return line;
    } catch (error) {
      arriving.discard();
      return failed(message.id, error);
    }
  }

  #fail(id: number, error: unknown): void {
    this.#take(failed(id, error));
  }
}

function failed(id: number, error: unknown): string {
  return JSON.stringify({ type: "failed", id, error: errorData(error) } satisfies WorkerMessage);
}

function checkChunks({ chunkLengths, sizeBytes }: NonNullable<RunResult["layer"]>): void {
  const total = chunkLengths.reduce((sum, length) => sum + length, 0);
  if (total === sizeBytes && chunkLengths.every((length) => length > 0)) return;
  throw new LayerwrightError(
    "RUN_WORKER_FAILED",
    "Cannot take a layer from another machine: its chunks do not add up",
  );
}

/** A cache is known there by the name of its directory here; whoever wants another owner for it is refused by core. */
function cacheOf(mount: Extract<ResolvedMount, { type: "directory" }>): RemoteMount {
  const { target, path, readOnly } = mount;
  if (!statSync(path).isDirectory()) throw unsupported("mount a file of this one");
  return { type: "cache", target, name: path.slice(path.lastIndexOf("/") + 1), readOnly };
}

function unsupported(what: string, why?: string): LayerwrightError {
  return new LayerwrightError(
    "RUN_UNSUPPORTED",
    `Cannot ${what} on another machine${why === undefined ? "" : `: ${why}`}`,
    { hint: "run the step on this machine: LAYERWRIGHT_EXECUTOR=oci, or util" },
  );
}
