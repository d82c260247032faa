/**
 * The SSH agents of a build: sockets of the user's, or private agents that hold keys for as long as the build lasts.
 *
 * @module
 */
import { statSync } from "node:fs";
import { LayerwrightError } from "../errors.ts";
import type { SshMount } from "../graph/op.ts";
import { nearestName } from "../nearest_name.ts";
import type { PrivateAgent } from "./private_agent.ts";
import type { SshSource } from "./step_options.ts";

// Few builds start an agent: what it takes to is loaded then.
const PRIVATE_AGENT: string = "./private_agent.ts";

/** All agents of one build; ends those it started. */
export class SshAgents implements AsyncDisposable {
  readonly #sources: ReadonlyMap<string, SshSource>;
  readonly #sockets = new Map<string, Promise<string>>();
  readonly #started: PrivateAgent[] = [];

  constructor(sources: readonly SshSource[] = []) {
    this.#sources = new Map(sources.map((source) => [source.id, source]));
  }

  /**
   * The socket of the agent that a mount shows; undefined if the build has none and the mount does not require one.
   *
   * @throws {LayerwrightError} `SSH_MISSING` for a required one that the build has not, and for a socket or key that
   * cannot be used.
   */
  async socketOf({ id, required }: Pick<SshMount, "id" | "required">): Promise<string | undefined> {
    const source = this.#sources.get(id);
    if (source === undefined) {
      if (required) throw this.#missing(id);
      return undefined;
    }
    const known = this.#sockets.get(id) ?? this.#open(source);
    this.#sockets.set(id, known);
    return await known;
  }

  async #open({ id, paths = [] }: SshSource): Promise<string> {
    const [first, ...others] = paths;
    if (first === undefined) return socketOfEnvironment(id);
    const kinds = paths.map((path) => kindOf(id, path));
    if (!kinds.includes("socket")) {
      const { startAgent }: typeof import("./private_agent.ts") = await import(PRIVATE_AGENT);
      const agent = await startAgent(id, paths);
      this.#started.push(agent);
      return agent.socket;
    }
    if (others.length === 0) return first;
    throw new LayerwrightError(
      "OPTION_INVALID",
      `Cannot use ssh ${JSON.stringify(id)}: one socket is an agent, several paths are keys`,
      { hint: `give one socket, or files of keys only: --ssh ${id}=KEY,KEY` },
    );
  }

  #missing(id: string): LayerwrightError {
    const known = [...this.#sources.keys()];
    const nearest = nearestName(id, known);
    const list = known.map((name) => JSON.stringify(name)).join(", ");
    return new LayerwrightError(
      "SSH_MISSING",
      `Cannot run the step: the build was given no SSH agent ${JSON.stringify(id)}` +
        (nearest === undefined ? "" : `, did you mean ${JSON.stringify(nearest)}?`),
      {
        details: [known.length === 0 ? "it was given no agents at all" : `it was given ${list}`],
        hint: `add --ssh ${id} for the agent at SSH_AUTH_SOCK, or --ssh ${id}=KEY`,
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // One that could not be started has told so to those who needed it.
    await Promise.allSettled(this.#sockets.values());
    await Promise.all(this.#started.map((agent) => agent.end()));
  }
}

function socketOfEnvironment(id: string): string {
  const path = process.env.SSH_AUTH_SOCK;
  const refuse = (why: string): never => {
    throw new LayerwrightError("SSH_MISSING", `Cannot use ssh ${JSON.stringify(id)}: ${why}`, {
      hint: `start an agent (eval "$(ssh-agent)"; ssh-add), or give a key: --ssh ${id}=KEY`,
    });
  };
  if (path === undefined || path === "") return refuse("SSH_AUTH_SOCK is not set");
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() !== true) {
    return refuse(`SSH_AUTH_SOCK names ${JSON.stringify(path)}, which is no socket`);
  }
  return path;
}

function kindOf(id: string, path: string): "socket" | "file" {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isSocket() === true) return "socket";
  if (stats?.isFile() === true) return "file";
  throw new LayerwrightError(
    "SSH_MISSING",
    `Cannot use ssh ${JSON.stringify(id)}: ${JSON.stringify(path)} is ${
      stats === undefined ? "not there" : "neither a socket nor a key"
    }`,
    { hint: "name the socket of an agent, or files of private keys" },
  );
}
