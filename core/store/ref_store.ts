/**
 * Tags: names for manifests, the only thing in a store that changes.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LayerwrightError, systemErrorCode } from "../errors.ts";
import { type Descriptor, parseDescriptor } from "../oci/descriptor.ts";
import { parseImageIndex } from "../oci/image_index.ts";
import { INDEX_FILE, REF_NAME_ANNOTATION, serializeLayoutIndex } from "../oci/layout.ts";
import { familiarReference, formatReference, parseReference } from "../oci/reference.ts";
import { writeFileAtomically } from "./atomic_file.ts";
import type { Database, Row } from "./database.ts";
import type { DurabilityMode } from "./durability.ts";
import { corruptDatabase } from "./store_error.ts";
import type { TempFolder } from "./temp_folder.ts";

/** A name and what it names. */
export interface Ref {
  /** Canonical: `docker.io/library/app:dev`. */
  readonly name: string;
  readonly descriptor: Descriptor;
  /** Milliseconds since the epoch. */
  readonly updatedMs: number;
}

// containerd's own, which `ctr images import` reads: the name in full.
const FULL_NAME_ANNOTATION = "io.containerd.image.name";

/** What a {@link RefStore} is made of. */
export interface RefStoreParts {
  readonly home: string;
  readonly database: Database;
  readonly temp: TempFolder;
  readonly durability: DurabilityMode;
}

/**
 * References to descriptors, one at a time and whole. Names may be given in any spelling of
 * {@link parseReference}; they are kept in full. `index.json` repeats them for other tools, which know
 * them by their familiar names: `skopeo inspect oci:HOME:app:dev`.
 */
export class RefStore {
  readonly #parts: RefStoreParts;

  constructor(parts: RefStoreParts) {
    this.#parts = parts;
  }

  /**
   * Points a name at a manifest or index, which should be in the store already.
   *
   * @throws {LayerwrightError} `REFERENCE_INVALID`; `STORE_FULL`, `STORE_UNWRITABLE`.
   */
  set(name: string, descriptor: Descriptor): void {
    const canonical = canonicalName(name);
    this.#write((database) => insert(database, canonical, descriptor));
    this.#publish();
  }

  /** What a name points at. @throws {LayerwrightError} `REFERENCE_INVALID`. */
  get(name: string): Descriptor | undefined {
    const canonical = canonicalName(name);
    const row = this.#parts.database.get("SELECT * FROM refs WHERE name = ?", canonical);
    return row === undefined ? undefined : this.#ref(row).descriptor;
  }

  /** Removes a name; what it named stays until garbage is collected. @returns False when there was none. */
  delete(name: string): boolean {
    const canonical = canonicalName(name);
    const found =
      this.#write((database) => database.run("DELETE FROM refs WHERE name = ?", canonical)) > 0;
    if (found) this.#publish();
    return found;
  }

  /** All names, sorted. */
  list(): Ref[] {
    return this.#parts.database.all("SELECT * FROM refs ORDER BY name").map((row) =>
      this.#ref(row)
    );
  }

  #write<T>(work: (database: Database) => T): T {
    const { database, durability } = this.#parts;
    return durability === "safe" ? database.durably(() => work(database)) : work(database);
  }

  /** Writes `index.json` anew. Inside a transaction, so that two processes cannot write an old list last. */
  #publish(): void {
    this.#parts.database.transaction(() => {
      const manifests = this.list().map(({ name, descriptor }) => ({
        ...descriptor,
        annotations: {
          ...descriptor.annotations,
          [REF_NAME_ANNOTATION]: familiarReference(parseReference(name)),
          [FULL_NAME_ANNOTATION]: name,
        },
      }));
      writeFileAtomically(
        join(this.#parts.home, INDEX_FILE),
        serializeLayoutIndex(manifests),
        this.#parts.temp,
      );
    });
  }

  #ref(row: Row): Ref {
    try {
      return {
        name: String(row.name),
        descriptor: parseDescriptor(new TextEncoder().encode(String(row.descriptor))),
        updatedMs: Number(row.updated),
      };
    } catch (cause) {
      // Unlike a cache record, a tag cannot be made again: say so, keep it.
      throw corruptDatabase(
        `read tag ${JSON.stringify(row.name)}`,
        this.#parts.database.path,
        "its descriptor cannot be parsed",
        cause,
      );
    }
  }
}

function canonicalName(name: string): string {
  return formatReference(parseReference(name));
}

function insert(database: Database, canonical: string, descriptor: Descriptor): void {
  database.run(
    "INSERT INTO refs VALUES (?, ?, ?) " +
      "ON CONFLICT (name) DO UPDATE SET descriptor = excluded.descriptor, updated = excluded.updated",
    canonical,
    JSON.stringify(descriptor),
    Date.now(),
  );
}

/**
 * Takes tags over from the `index.json` of a layout without a database: one that was moved away, or a
 * layout that another tool made. Entries without a name that is a reference are left out.
 *
 * @throws {LayerwrightError} `IMAGE_INDEX_INVALID`: rather than lose the tags of a damaged file.
 */
export function importRefs(home: string, database: Database): void {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(join(home, INDEX_FILE));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return;
    throw error;
  }
  for (const { annotations, ...rest } of parseImageIndex(bytes).manifests) {
    const name = annotations?.[FULL_NAME_ANNOTATION] ?? annotations?.[REF_NAME_ANNOTATION];
    if (name === undefined) continue;
    const { [FULL_NAME_ANNOTATION]: _full, [REF_NAME_ANNOTATION]: _ref, ...others } = annotations ??
      {};
    try {
      const kept = Object.keys(others).length === 0 ? {} : { annotations: others };
      insert(database, canonicalName(name), { ...rest, ...kept });
    } catch (error) {
      if (!(error instanceof LayerwrightError && error.code === "REFERENCE_INVALID")) throw error;
    }
  }
}
