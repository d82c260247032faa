/**
 * The worker's end of a session with an engine on another machine: numbers become paths in a folder of its own.
 *
 * @module
 */
import { chmodSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LayerwrightError } from "../../core/errors.ts";
import type { ExecSession, ResolvedMount, RunRequest, RunResult } from "../../core/mod.ts";
import { errorData } from "./error_data.ts";
import type { WorkerMessage } from "./protocol.ts";
import { ArrivingLayer, sendFile } from "./remote_layers.ts";
import type { LineWriter } from "./remote_lines.ts";
import type { RemoteLayerData, RemoteMount, RemoteRequest, RemoteRun } from "./remote_protocol.ts";

/** What a session on this machine works with. */
export interface RemoteSessionParts {
  readonly session: ExecSession;
  /** The session's own folder, which goes with it. */
  readonly directory: string;
  /** Where the caches of this machine are. */
  readonly caches: string;
  readonly out: LineWriter;
  /** Privileges that steps may have here: whoever may connect need not be trusted with this machine. */
  readonly allow: readonly string[];
}

const INSECURE = "security.insecure";

/** Requests that have an answer. */
type Answered = Extract<RemoteRequest, { type: "unpack" | "run" | "remove" }>;

/** Answers requests one by one; steps go on meanwhile. */
export class RemoteSession {
  readonly #parts: RemoteSessionParts;
  readonly #arriving = new Map<number, ArrivingLayer>();
  /** Layers that arrived, whole or not. */
  readonly #layers = new Map<number, { readonly error?: unknown }>();
  readonly #running = new Map<number, AbortController>();

  constructor(parts: RemoteSessionParts) {
    this.#parts = parts;
  }

  /** Takes the next request; resolves when the one after it may be read. */
  take(request: Exclude<RemoteRequest, { type: "open" }>): void {
    switch (request.type) {
      case "layer":
        return this.#takeLayer(request.layer, request.base64);
      case "layer-end":
        return this.#endLayer(request.layer, request);
      case "cancel":
        return this.#running.get(request.id)?.abort();
      default:
        void this.#answer(request);
    }
  }

  #takeLayer(layer: number, base64: string): void {
    let arriving = this.#arriving.get(layer);
    if (arriving === undefined) {
      arriving = new ArrivingLayer(this.#layerPath(layer));
      this.#arriving.set(layer, arriving);
    }
    arriving.take(base64);
  }

  #endLayer(layer: number, expected: Pick<RunResultLayer, "diffId">): void {
    const arriving = this.#arriving.get(layer) ?? new ArrivingLayer(this.#layerPath(layer));
    this.#arriving.delete(layer);
    try {
      arriving.finish(expected);
      this.#layers.set(layer, {});
    } catch (error) {
      this.#layers.set(layer, { error });
    }
  }

  async #answer(request: Answered): Promise<void> {
    const { id } = request;
    try {
      const result = await this.#perform(request);
      this.#say({ type: "done", id, ...result === undefined ? {} : { result } });
    } catch (error) {
      this.#say({ type: "failed", id, error: errorData(error) });
    }
  }

  async #perform(request: Answered): Promise<RunResult | undefined> {
    const { session } = this.#parts;
    switch (request.type) {
      case "unpack": {
        const layer = this.#layers.get(request.layer);
        if (layer === undefined) throw unknown("layer", request.layer);
        if (layer.error !== undefined) throw layer.error;
        const lowers = this.#paths(request.lowers);
        const directory = this.#treePath(request.tree);
        mkdirSync(directory);
        const tarPath = this.#layerPath(request.layer);
        await session.unpack({ tarPath, lowers, directory });
        return undefined;
      }
      case "remove":
        await session.remove(request.trees.map((tree) => this.#treePath(tree)));
        return undefined;
      case "run":
        return await this.#run(request.id, request.request);
    }
  }

  async #run(id: number, remote: RemoteRun): Promise<RunResult> {
    const { session, allow } = this.#parts;
    if (remote.security === "insecure" && !allow.includes(INSECURE)) {
      throw new LayerwrightError(
        "RUN_NOT_ALLOWED",
        'Cannot run a step with security "insecure": the machine that would run it does not allow it',
        { hint: `start the worker there with --allow ${INSECURE}` },
      );
    }
    const { lowers, mounts, layer, upper, failed, ...rest } = remote;
    const layerPath = join(this.#parts.directory, `made-${id}`);
    const request: RunRequest = {
      ...rest,
      lowers: this.#paths(lowers),
      mounts: mounts.map((mount) => this.#mountOf(mount)),
      ...layer ? { layerPath } : {},
      ...upper === undefined ? {} : { upperDirectory: this.#treePath(upper) },
      ...failed === undefined ? {} : { failedDirectory: this.#treePath(failed) },
    };
    const abort = new AbortController();
    this.#running.set(id, abort);
    const output = {
      write: (stream: "stdout" | "stderr", bytes: Uint8Array): void =>
        this.#say({ type: "output", id, stream, base64: Buffer.from(bytes).toString("base64") }),
    };
    try {
      const result = await session.run(request, output, abort.signal);
      if (result.layer !== undefined) {
        await sendFile(layerPath, async (base64) => {
          abort.signal.throwIfAborted();
          await this.#parts.out.send({ type: "layer", id, base64 } satisfies RemoteLayerData);
        });
      }
      return result;
    } finally {
      this.#running.delete(id);
      rmSync(layerPath, { force: true });
    }
  }

  #mountOf(mount: RemoteMount): ResolvedMount {
    switch (mount.type) {
      case "layers":
        return { ...mount, lowers: this.#paths(mount.lowers) };
      case "cache": {
        const { target, readOnly, name } = mount;
        return { type: "directory", target, readOnly, path: this.#openCache(name) };
      }
      default:
        return mount;
    }
  }

  #openCache(name: string): string {
    const path = join(this.#parts.caches, name);
    if (mkdirSync(path, { recursive: true }) !== undefined) chmodSync(path, 0o755);
    return path;
  }

  #paths(trees: readonly number[]): string[] {
    return trees.map((tree) => {
      const path = this.#treePath(tree);
      if (!existsSync(path)) throw unknown("tree", tree);
      return path;
    });
  }

  #treePath(tree: number): string {
    return join(this.#parts.directory, `tree-${tree}`);
  }

  #layerPath(layer: number): string {
    return join(this.#parts.directory, `layer-${layer}`);
  }

  #say(message: WorkerMessage): void {
    void this.#parts.out.send(message);
  }
}

type RunResultLayer = NonNullable<RunResult["layer"]>;

function unknown(what: string, number: number): LayerwrightError {
  return new LayerwrightError(
    "RUN_WORKER_FAILED",
    `Cannot do what the engine asks for: there is no ${what} ${number}`,
  );
}
