/**
 * Leases: what a process at work keeps from being collected as garbage.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { LayerwrightError } from "../errors.ts";
import type { Digest } from "../oci/digest.ts";
import type { Database } from "./database.ts";
import { isProcessGone, processToken } from "./process_token.ts";

/** A lease that is held. Ends with {@link Symbol.dispose}, with its process, or when it expires. */
export interface Lease extends Disposable {
  readonly id: string;
  /** Keeps one more thing: a blob, a layer, a manifest and all it names, a snapshot. Renews the lease. */
  add(resource: Digest): void;
}

/** One line of what is leased now. */
export interface LeasedResource {
  readonly leaseId: string;
  /** Undefined: everything written since `createdMs`. */
  readonly resource: Digest | undefined;
  readonly createdMs: number;
}

// Ends leases of processes in other pid namespaces, whose end cannot be seen from here.
const LIFETIME_MS = 24 * 60 * 60 * 1000;
const EVERYTHING_NEW = "";

/** Leases of all processes. */
export class LeaseStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Takes a lease. It keeps `resources`, and every blob that is written while it lives. A blob that was
   * there before has to be added *before* it is looked for: then it is either gone already or stays.
   */
  acquire(resources: readonly Digest[] = []): Lease {
    const id = randomUUID();
    const createdMs = Date.now();
    const insert = (resource: string): void => {
      this.#database.run(
        "INSERT OR IGNORE INTO leases (id, resource, holder, created, expires) VALUES (?, ?, ?, ?, ?)",
        id,
        resource,
        processToken(),
        createdMs,
        createdMs + LIFETIME_MS,
      );
    };
    this.#database.transaction(() => [EVERYTHING_NEW, ...resources].forEach(insert));
    return {
      id,
      add: (resource): void => {
        this.#database.transaction(() => {
          insert(resource);
          this.#database.run(
            "UPDATE leases SET expires = ? WHERE id = ?",
            Date.now() + LIFETIME_MS,
            id,
          );
        });
      },
      [Symbol.dispose]: (): void => {
        try {
          this.#database.run("DELETE FROM leases WHERE id = ?", id);
        } catch (error) {
          // It ends with this process at the latest; and what went wrong on a full disk is worth more than this.
          if (!(error instanceof LayerwrightError && error.code === "STORE_FULL")) throw error;
        }
      },
    };
  }

  /** All that is leased by processes that live; removes the other leases. */
  live(): LeasedResource[] {
    return this.#database.transaction(() => {
      const now = Date.now();
      const gone = new Map<string, boolean>();
      const rows = this.#database.all("SELECT * FROM leases ORDER BY created, id, resource");
      return rows.flatMap((row) => {
        const holder = String(row.holder);
        const isGone = gone.get(holder) ?? isProcessGone(holder);
        gone.set(holder, isGone);
        const leaseId = String(row.id);
        if (isGone || Number(row.expires) < now) {
          this.#database.run("DELETE FROM leases WHERE id = ?", leaseId);
          return [];
        }
        const resource = row.resource === EVERYTHING_NEW
          ? undefined
          : String(row.resource) as Digest;
        return [{ leaseId, resource, createdMs: Number(row.created) }];
      });
    });
  }
}
