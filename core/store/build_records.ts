/**
 * The folder of builds: `builds/<id>/record.json`, the output of their steps, and the files that failed steps left.
 *
 * A build writes to its own folder only. Whatever kills it leaves a record that says "running" of a process that is gone,
 * or a folder without one, which is nobody's and goes after an hour.
 *
 * @module
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import { nearestName } from "../nearest_name.ts";
import type { Digest } from "../oci/digest.ts";
import { buildTime, newBuildId } from "./build_id.ts";
import { type BuildRecord, parseBuildRecord } from "./build_record.ts";
import { isProcessGone } from "./process_token.ts";
import type { RefStore } from "./ref_store.ts";
import { guarded } from "./store_error.ts";
import type { TempFolder } from "./temp_folder.ts";

/** How many builds are remembered. */
export const KEPT_BUILDS = 20;
/** How many of the failed ones keep files, and how much on disk all but the last one may have. */
const KEPT_FAILURES = 5;
const KEPT_FAILURE_BYTES = 4 * 1024 ** 3;
const ABANDONED_AFTER_MS = 60 * 60 * 1000;
const RECORD = "record.json";

/** The builds that a store remembers. */
export class BuildRecords {
  readonly #folder: string;
  readonly #temp: TempFolder;
  readonly #refs: RefStore;

  constructor(home: string, temp: TempFolder, refs: RefStore) {
    this.#folder = join(home, "builds");
    this.#temp = temp;
    this.#refs = refs;
  }

  /** Makes the folder of a new build. @returns Its name. */
  create(startedMs: number): string {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (;;) {
      const id = newBuildId(startedMs);
      try {
        mkdirSync(this.directory(id), { mode: 0o700 });
        mkdirSync(join(this.directory(id), "logs"));
        return id;
      } catch (error) {
        if (systemErrorCode(error) !== "EEXIST") throw error;
      }
    }
  }

  /** The folder of a build. */
  directory(id: string): string {
    return join(this.#folder, id);
  }

  /** Where the files of a failed step are, as an overlay lower directory. */
  rootOf(id: string, step: number): string {
    return join(this.#leftBy(id), String(step));
  }

  #leftBy(id: string): string {
    return join(this.directory(id), "failed");
  }

  /** Writes a record, whole or not at all. */
  write(record: BuildRecord): void {
    const path = join(this.directory(record.id), RECORD);
    const temporary = this.#temp.newPath();
    guarded("write the record of a build", path, () => {
      writeFileSync(temporary, JSON.stringify(record), { flag: "wx", mode: 0o600 });
      renameSync(temporary, path);
    });
  }

  /** A build by its whole name. */
  get(id: string): BuildRecord | undefined {
    if (buildTime(id) === undefined) return undefined;
    try {
      return parseBuildRecord(readFileSync(join(this.directory(id), RECORD), "utf8"), id);
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "")) return undefined;
      throw error;
    }
  }

  /** All builds, the latest first. What cannot be read is left out. */
  list(): BuildRecord[] {
    return this.#ids().flatMap((id) => this.get(id) ?? []);
  }

  /**
   * A build by its name, or by as much of its end as no other has.
   *
   * @throws {LayerwrightError} `BUILD_UNKNOWN` with the names there are.
   */
  find(text: string): BuildRecord {
    const whole = this.get(text);
    if (whole !== undefined) return whole;
    const ids = this.list().map(({ id }) => id);
    const ending = ids.filter((id) => text !== "" && id.endsWith(text.toLowerCase()));
    const [only] = ending;
    const found = only === undefined || ending.length > 1 ? undefined : this.get(only);
    if (found !== undefined) return found;
    const nearest = nearestName(text, ids);
    throw new LayerwrightError(
      "BUILD_UNKNOWN",
      `Cannot find build ${JSON.stringify(text)}: ${
        ending.length > 1 ? `${ending.length} builds end so` : "no such build is remembered"
      }${nearest === undefined ? "" : `, did you mean ${JSON.stringify(nearest)}?`}`,
      {
        details: ids.length === 0 ? [] : [`known are ${ids.slice(0, 5).join(", ")}`],
        hint: '"layerwright builds" lists them; builds that ran no step are not among them',
      },
    );
  }

  /** Blobs that must not be collected, each with the build that needs it. */
  digests(): { readonly digest: Digest; readonly why: string }[] {
    return this.list().flatMap(({ id, kept }) =>
      (kept?.digests ?? []).map((digest) => ({ digest, why: `failed build ${id}` }))
    );
  }

  /**
   * Forgets what is beyond the limits: the oldest builds, and the files of all failed ones but the latest.
   *
   * @returns Directories for the caller to remove: files in them may belong to users that only a user namespace maps. What
   * is not removed is removed as what a killed process left.
   */
  trim(nowMs: number): string[] {
    const removed: string[] = [];
    let failures = 0;
    let bytes = 0;
    for (const [index, id] of this.#ids().entries()) {
      if (index >= KEPT_BUILDS) {
        if (!this.#isAtWork(id, nowMs)) removed.push(...this.forget(id));
        continue;
      }
      // Records are not read for nothing: each says much of each step.
      const record = existsSync(this.#leftBy(id)) ? this.get(id) : undefined;
      if (record?.kept === undefined) continue;
      failures += 1;
      bytes += record.kept.sizeBytes;
      if (failures > 1 && (failures > KEPT_FAILURES || bytes > KEPT_FAILURE_BYTES)) {
        removed.push(...this.drop(record));
      }
    }
    return removed;
  }

  /** A build that goes on, or may be about to say so. */
  #isAtWork(id: string, nowMs: number): boolean {
    const record = this.get(id);
    if (record === undefined) return nowMs - (buildTime(id) ?? 0) < ABANDONED_AFTER_MS;
    return record.outcome === "running" && !isProcessGone(record.holder);
  }

  /** Makes the folder for the files of steps that fail. */
  expectFailure(id: string): void {
    mkdirSync(this.#leftBy(id), { recursive: true, mode: 0o700 });
  }

  /** Removes that folder if no step has left anything. */
  expectNoFailure(id: string): void {
    try {
      rmdirSync(this.#leftBy(id));
    } catch {
      // Never made, or some step has failed.
    }
  }

  /** Forgets the files of a failed build, and its tag; the record stays. @returns As {@link trim}. */
  drop(record: BuildRecord): string[] {
    const { kept: _, ...rest } = record;
    this.#untag(record);
    // First: what a record names is there.
    this.write(rest);
    return this.#away(this.#leftBy(record.id));
  }

  /** Forgets a build. @returns As {@link trim}. */
  forget(id: string): string[] {
    this.#untag(this.get(id));
    return this.#away(this.directory(id));
  }

  /** Only our own: a record that was tampered with must not take a tag with it. */
  #untag(record: BuildRecord | undefined): void {
    const reference = record?.kept?.reference;
    if (reference !== undefined && reference === failedReference(record?.id ?? "")) {
      this.#refs.delete(reference);
    }
  }

  /** Gives up a name at once, whatever is below it. */
  #away(path: string): string[] {
    const target = this.#temp.newPath();
    try {
      renameSync(path, target);
      return [target];
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return [];
      // A directory that a step gave to another user cannot be moved by this one: it goes where it is.
      rmSync(join(path, RECORD), { force: true });
      return [path];
    }
  }

  #ids(): string[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder).filter((name) => buildTime(name) !== undefined).sort()
      .reverse();
  }
}

/** The name of the image that the failed step of a build was to be added to. */
export function failedReference(id: string): string {
  return `lw-failed:${id}`;
}
