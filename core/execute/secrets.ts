/**
 * The secrets of a build: read when a step needs them, told to nobody else, and kept out of what steps print.
 *
 * @module
 */
import { createHmac, randomBytes } from "node:crypto";
import {
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import type { SecretMount } from "../graph/op.ts";
import { nearestName } from "../nearest_name.ts";
import type { Store } from "../store/store.ts";
import type { RunOutput, RunResult } from "./executor.ts";
import { maskedParts, Masker, maskText } from "./mask.ts";
import { PartSearch } from "./part_search.ts";
import type { SecretSource } from "./step_options.ts";

/** The limit of BuildKit. */
const SECRET_LIMIT_BYTES: number = 500 * 1024;

const SALT_FILE = "secret-salt";
const SALT_BYTES = 32;

/** All secrets of one build. */
export class Secrets {
  readonly #sources: ReadonlyMap<string, SecretSource>;
  readonly #values = new Map<string, Uint8Array | undefined>();
  /** Made of all values read so far. */
  #search = new PartSearch([]);

  /** Of two sources with one id the last counts, as in BuildKit. */
  constructor(sources: readonly SecretSource[] = []) {
    this.#sources = new Map(sources.map((source) => [source.id, source]));
  }

  /**
   * The value that a mount shows; undefined if the build has none and the mount does not require one.
   *
   * @throws {LayerwrightError} `SECRET_MISSING` for a required one that the build has not, and for a file that cannot be
   * read; `OPTION_INVALID` for a source that is none, or too large.
   */
  valueOf({ id, required }: Pick<SecretMount, "id" | "required">): Uint8Array | undefined {
    const source = this.#sources.get(id);
    const value = source === undefined ? undefined : this.#read(source);
    if (value === undefined && required) throw this.#missing(id, source);
    return value;
  }

  #read(source: SecretSource): Uint8Array | undefined {
    const { id } = source;
    if (!this.#values.has(id)) {
      const value = readSource(source);
      this.#values.set(id, value);
      if (value !== undefined) {
        const values = [...this.#values.values()].filter((one) => one !== undefined);
        this.#search = new PartSearch(maskedParts(values));
      }
    }
    return this.#values.get(id);
  }

  /** A text that may hold values, without them. */
  mask(text: string): string {
    return maskText(text, this.#search);
  }

  /**
   * Has a step run with an output, notes and errors that are free of the values read by now.
   *
   * @throws what `run` throws, masked if it is a {@link LayerwrightError}.
   */
  async guard(
    output: RunOutput,
    run: (output: RunOutput) => Promise<RunResult>,
  ): Promise<RunResult> {
    if (this.#search.isEmpty) return await run(output);
    const maskers = {
      stdout: new Masker(this.#search, (bytes) => output.write("stdout", bytes)),
      stderr: new Masker(this.#search, (bytes) => output.write("stderr", bytes)),
    };
    try {
      const result = await run({ write: (stream, bytes) => maskers[stream].write(bytes) });
      return { ...result, notes: result.notes.map((note) => this.mask(note)) };
    } catch (error) {
      throw this.#maskedError(error);
    } finally {
      maskers.stdout.end();
      maskers.stderr.end();
    }
  }

  #maskedError(error: unknown): unknown {
    if (!(error instanceof LayerwrightError)) return error;
    const { code, message, at, details, hint } = error;
    // Not its cause: nobody knows what that says.
    return new LayerwrightError(code, this.mask(message), {
      at,
      details: details.map((detail) => this.mask(detail)),
      hint: hint === undefined ? undefined : this.mask(hint),
    });
  }

  #missing(id: string, source: SecretSource | undefined): LayerwrightError {
    const quoted = JSON.stringify(id);
    if (source?.env !== undefined) {
      return new LayerwrightError(
        "SECRET_MISSING",
        `Cannot run the step: secret ${quoted} is to come from the variable "${source.env}", which is not set`,
        { hint: `set ${source.env}, or name a file: --secret id=${id},src=FILE` },
      );
    }
    const known = [...this.#sources.keys()];
    const nearest = nearestName(id, known);
    const list = known.map((name) => JSON.stringify(name)).join(", ");
    return new LayerwrightError(
      "SECRET_MISSING",
      `Cannot run the step: the build was given no secret ${quoted}` +
        (nearest === undefined ? "" : `, did you mean ${JSON.stringify(nearest)}?`),
      {
        details: [known.length === 0 ? "it was given no secrets at all" : `it was given ${list}`],
        hint: `add --secret id=${id},src=FILE or --secret id=${id},env=VARIABLE`,
      },
    );
  }
}

/** @returns undefined for a variable that is not set. */
function readSource(source: SecretSource): Uint8Array | undefined {
  const { id, src, env, value } = source;
  const given = [src, env, value].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw invalid(id, `it has ${given.length} sources`, "give one of src, env and value");
  }
  if (src !== undefined) return readSecretFile(id, src);
  const text = env === undefined ? value : process.env[env];
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  if (bytes !== undefined && bytes.length > SECRET_LIMIT_BYTES) throw tooLarge(id);
  return bytes;
}

/** A pipe of the shell, `src=<(command)`, will do as well as a file. */
function readSecretFile(id: string, path: string): Uint8Array {
  const buffer = new Uint8Array(SECRET_LIMIT_BYTES + 1);
  let length = 0;
  try {
    const fd = openSync(path, "r");
    try {
      for (let read = 1; read > 0 && length < buffer.length; length += read) {
        read = readSync(fd, buffer, length, buffer.length - length, null);
      }
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    const code = systemErrorCode(cause);
    const why: Readonly<Record<string, string>> = {
      ENOENT: "no such file",
      EISDIR: "it is a directory",
      EACCES: "it may not be read",
    };
    throw new LayerwrightError(
      "SECRET_MISSING",
      `Cannot read secret ${JSON.stringify(id)} from ${JSON.stringify(path)}: ${
        why[code ?? ""] ?? code ?? "it cannot be opened"
      }`,
      { cause, hint: `correct the path: --secret id=${id},src=FILE` },
    );
  }
  if (length > SECRET_LIMIT_BYTES) throw tooLarge(id);
  return buffer.slice(0, length);
}

function tooLarge(id: string): LayerwrightError {
  return invalid(id, "it has more than 512,000 bytes", "use a bind mount for what is no secret");
}

function invalid(id: string, why: string, hint: string): LayerwrightError {
  return new LayerwrightError(
    "OPTION_INVALID",
    `Cannot use secret ${JSON.stringify(id)}: ${why}`,
    { hint },
  );
}

/**
 * What stands for a value in a key: HMAC-SHA-256 of it under a random salt that the store made for itself, so that
 * neither the key nor its preimage tells a value to somebody who can only guess it.
 *
 * @param planning A plan makes no salt; without one no earlier step can have the same digest.
 */
export function secretDigest(
  store: Pick<Store, "home" | "temp">,
  value: Uint8Array,
  planning: boolean,
): string {
  const salt = saltOf(store, planning);
  return `hmac-sha256:${createHmac("sha256", salt).update(value).digest("hex")}`;
}

function saltOf({ home, temp }: Pick<Store, "home" | "temp">, planning: boolean): Uint8Array {
  const path = join(home, SALT_FILE);
  const known = readSalt(path);
  if (known !== undefined) return known;
  const salt = randomBytes(SALT_BYTES);
  if (planning) return salt;
  const temporary = temp.newPath();
  try {
    writeFileSync(temporary, salt, { flag: "wx", mode: 0o600 });
    // Unlike a rename it leaves the salt that another process was first to make.
    linkSync(temporary, path);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return readSalt(path) ?? salt;
}

function readSalt(path: string): Uint8Array | undefined {
  try {
    const salt = readFileSync(path);
    return salt.length === SALT_BYTES ? salt : undefined;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
