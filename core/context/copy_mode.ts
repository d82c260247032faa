/**
 * The permission bits of copied files.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { ModePolicy } from "../graph/op.ts";
import type { FileEntry } from "../layer/file_entry.ts";

/** Gives the bits of one file from those of its source. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

const SET_ID: Readonly<Record<string, number>> = { u: 0o4000, g: 0o2000, o: 0 };
const SHIFT: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };
const STICKY = 0o1000;

/**
 * The mode of a copied entry. Links keep 0777, which Linux gives all of them.
 *
 * @throws {LayerwrightError} `COPY_MODE_INVALID` for a `chmod` policy that {@link parseChmod} refuses.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { modeChange } from "./copy_mode.ts";
 * assert.equal(modeChange({ kind: "executable-bit" })(0o4775, false), 0o755);
 * assert.equal(modeChange({ kind: "chmod", spec: "u=rwX,go=rX" })(0o600, true), 0o755);
 * ```
 */
export function modeChange(policy: ModePolicy): ModeChange {
  switch (policy.kind) {
    case "executable-bit":
      return (mode, isDirectory) => isDirectory || (mode & 0o111) !== 0 ? 0o755 : 0o644;
    case "preserve":
      return (mode) => mode;
    case "chmod":
      return parseChmod(policy.spec);
  }
}

/** Applies a change to an entry's mode. */
export function changedMode(entry: FileEntry, change: ModeChange): number {
  return entry.type === "symlink" ? 0o777 : change(entry.mode, entry.type === "directory");
}

/**
 * Parses what `--chmod` takes: octal digits from 0 to 07777, or clauses of chmod(1) such as `u=rwX,go=rX`.
 * A clause without `u`, `g`, `o` or `a` means all three; the umask has no part in it.
 *
 * @throws {LayerwrightError} `COPY_MODE_INVALID` for anything else.
 * @see chmod(1)
 */
export function parseChmod(spec: string | number): ModeChange {
  const text = typeof spec === "number" ? spec.toString(8) : spec;
  if (/^[0-7]+$/.test(text)) {
    const bits = Number.parseInt(text, 8);
    if (bits <= 0o7777) return () => bits;
  }
  const clauses = text.split(",").map(parseClause);
  if (clauses.includes(undefined)) {
    throw new LayerwrightError(
      "COPY_MODE_INVALID",
      `Cannot use mode ${JSON.stringify(text)}: it is neither octal nor symbolic`,
      { hint: 'write octal digits from "0" to "7777", or clauses such as "u=rwX,go=rX"' },
    );
  }
  return (mode, isDirectory) =>
    clauses.reduce((bits, clause) => clause?.(bits, mode, isDirectory) ?? bits, mode);
}

type Clause = (bits: number, original: number, isDirectory: boolean) => number;

function parseClause(text: string): Clause | undefined {
  const parts = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(text);
  if (parts === null) return undefined;
  const classes = parts[1] === "" || parts[1]?.includes("a") ? "ugo" : parts[1] ?? "";
  const actions = [...(parts[2] ?? "").matchAll(/([-+=])([rwxXstugo]*)/g)];
  return (bits, original, isDirectory) =>
    actions.reduce((current, [, operator, permissions = ""]) => {
      const executable = isDirectory || (original & 0o111) !== 0 || operator === "-";
      const changed = bitsOf(classes, permissions, { current, executable });
      if (operator === "+") return current | changed;
      if (operator === "-") return current & ~changed;
      // "=" leaves the sticky bit unless it is named, and set-ids when bits are copied, as BSD's setmode(3) does.
      const touched = /[ugo]/.test(permissions)
        ? "rwx"
        : permissions.includes("t")
        ? "rwxst"
        : "rwxs";
      return (current & ~bitsOf(classes, touched, { current, executable })) | changed;
    }, bits);
}

/** The bits that permission letters stand for, for the named classes. */
function bitsOf(
  classes: string,
  permissions: string,
  state: { readonly current: number; readonly executable: boolean },
): number {
  let bits = 0;
  for (const permission of permissions) {
    // Without "u" or "g" there is no class that setuid, setgid or sticky could belong to.
    if (permission === "t" && /[ug]/.test(classes)) bits |= STICKY;
    for (const name of classes) {
      const shift = SHIFT[name] ?? 0;
      if (permission === "r") bits |= 4 << shift;
      else if (permission === "w") bits |= 2 << shift;
      else if (permission === "x") bits |= 1 << shift;
      else if (permission === "s") bits |= SET_ID[name] ?? 0;
      else if (permission === "X") {
        if (state.executable) bits |= 1 << shift;
      } else if (permission !== "t") {
        bits |= ((state.current >> (SHIFT[permission] ?? 0)) & 7) << shift;
      }
    }
  }
  return bits;
}
