/** The racy-clean rule against every kind of clock a file system may have. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { keepsChangeTimes } from "../../core/context/change_times.ts";
import { StatIndex } from "../../core/context/stat_index.ts";
import type { FileIdentity } from "../../core/layer/file_entry.ts";
import { type Digest, sha256 } from "../../core/oci/digest.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const seed = 20260713;
const skip = !keepsChangeTimes(tmpdir());
const suffix = skip ? " (needs a local file system)" : "";
const NAMES = ["a", "b", "c"] as const;

interface Inode {
  readonly ino: bigint;
  text: string;
  mtimeNs: bigint;
  ctimeNs: bigint;
}

/** A folder as a kernel keeps it: at each change of an inode, its ctime is the time of the last tick. */
class ModelFolder {
  readonly names: Map<string, Inode> = new Map();
  timeNs = 1_700_000_000_000_000_000n;
  #lastIno = 1n;
  readonly #tickNs: bigint;

  constructor(tickNs: bigint) {
    this.#tickNs = tickNs;
  }

  change(inode: Inode, fields: Partial<Pick<Inode, "text" | "mtimeNs">>): void {
    const now = this.timeNs - this.timeNs % this.#tickNs;
    Object.assign(inode, { mtimeNs: now, ...fields, ctimeNs: now });
  }

  create(name: string, text: string): void {
    // Numbers are used again, as ext4 does at once.
    const free = this.names.get(name)?.ino;
    const inode = { ino: free ?? ++this.#lastIno, text, mtimeNs: 0n, ctimeNs: 0n };
    this.change(inode, { text });
    this.names.set(name, inode);
  }

  stat(name: string): FileIdentity | undefined {
    const inode = this.names.get(name);
    if (inode === undefined) return undefined;
    const { ino, text, mtimeNs, ctimeNs } = inode;
    return { dev: 1n, ino, sizeBytes: text.length, mtimeNs, ctimeNs };
  }
}

type Step =
  | { readonly kind: "wait"; readonly ms: number }
  | {
    readonly kind: "create" | "write" | "rewriteKeepingTime";
    readonly at: string;
    readonly text: string;
  }
  | { readonly kind: "touch"; readonly at: string; readonly seconds: number }
  | { readonly kind: "remove"; readonly at: string }
  | { readonly kind: "rename" | "link" | "swap"; readonly at: string; readonly to: string };

function apply(folder: ModelFolder, step: Step): void {
  if (step.kind === "wait") {
    folder.timeNs += BigInt(step.ms) * 1_000_000n;
    return;
  }
  if (step.kind === "create") return folder.create(step.at, step.text);
  const inode = folder.names.get(step.at);
  if (inode === undefined) return;
  const { mtimeNs } = inode;
  switch (step.kind) {
    case "write":
      return folder.change(inode, { text: step.text });
    case "rewriteKeepingTime":
      return folder.change(inode, { text: step.text, mtimeNs });
    case "touch":
      return folder.change(inode, { mtimeNs: BigInt(step.seconds) * 1_000_000_000n });
    case "remove":
      folder.names.delete(step.at);
      return;
    case "link":
    case "rename":
    case "swap": {
      const other = folder.names.get(step.to);
      folder.change(inode, { mtimeNs });
      folder.names.set(step.to, inode);
      if (step.kind === "rename" && step.to !== step.at) folder.names.delete(step.at);
      if (step.kind !== "swap" || other === undefined) return;
      folder.change(other, { mtimeNs: other.mtimeNs });
      folder.names.set(step.at, other);
    }
  }
}

const name = fc.constantFrom(...NAMES);
const text = fc.constantFrom("old!", "new!", "longer");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("wait" as const),
    ms: fc.constantFrom(0, 1, 12, 999, 1000, 1999, 2000, 2001, 3000, 10_000),
  }),
  fc.record({
    kind: fc.constantFrom("write" as const, "rewriteKeepingTime" as const, "create" as const),
    at: name,
    text,
  }),
  fc.record({
    kind: fc.constant("touch" as const),
    at: name,
    // The present of the model, its past and its future.
    seconds: fc.constantFrom(0, 1_699_999_990, 1_700_000_000, 1_700_000_003, 1_900_000_000),
  }),
  fc.record({ kind: fc.constant("remove" as const), at: name }),
  fc.record({
    kind: fc.constantFrom("rename" as const, "link" as const, "swap" as const),
    at: name,
    to: name,
  }),
);
const steps = fc.array(step, { maxLength: 6 });
const builds = fc.array(
  fc.record({ before: steps, whileRead: fc.array(step, { maxLength: 2 }), paranoid: fc.boolean() }),
  { minLength: 2, maxLength: 8 },
);

for (
  const [clock, tickNs] of [["1 ns", 1n], ["10 ms", 10_000_000n], ["1 s", 1_000_000_000n]] as const
) {
  test(
    `StatIndex never gives another digest than a fresh read, clock of ${clock} (seed ${seed})${suffix}`,
    { skip },
    () => {
      using directory = temporaryDirectory();
      // For the file system that the index asks about; the files' numbers are the model's.
      for (const file of NAMES) writeFileSync(join(directory.path, file), "");
      let hits = 0;
      fc.assert(
        fc.property(builds, (sequence) => {
          const folder = new ModelFolder(tickNs);
          for (const file of NAMES) folder.create(file, "old!");
          let saved: Uint8Array | undefined;
          for (const { before, whileRead, paranoid } of sequence) {
            for (const change of before) apply(folder, change);
            const index = new StatIndex({
              root: directory.path,
              nowMs: Number(folder.timeNs / 1_000_000n),
              load: () => saved,
              paranoid,
            });
            const listed = NAMES.map((file) => ({
              file: join(directory.path, file),
              name: file,
              identity: folder.stat(file),
              digest: digestOf(folder, file),
            }));
            for (const change of whileRead) apply(folder, change);
            for (const { file, name, identity, digest } of listed) {
              if (identity === undefined) continue;
              const known = index.get(file, identity);
              if (known !== undefined) {
                hits++;
                assert.equal(known, digest);
                continue;
              }
              // As the reader does: what is read counts if the file still is what was listed.
              const fresh = digestOf(folder, name);
              const now = folder.stat(name);
              if (fresh === undefined || now === undefined || !isSame(now, identity)) continue;
              index.set(file, identity, fresh);
            }
            saved = index.changedBytes(Number(folder.timeNs / 1_000_000n)) ?? saved;
          }
        }),
        { seed, numRuns: 5000 },
      );
      assert.ok(hits > 500, `${hits} hits: the rule is not put to the test`);
    },
  );
}

function digestOf(folder: ModelFolder, name: string): Digest | undefined {
  const inode = folder.names.get(name);
  return inode === undefined ? undefined : sha256(inode.text);
}

function isSame(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs;
}
