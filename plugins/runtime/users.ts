/**
 * The user of a step, looked up in the root's own files.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { LayerwrightError } from "../../core/errors.ts";
import { resolveInRoot } from "./resolve_in_root.ts";

/** Whom a step runs as. */
export interface StepUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  /** The home directory passwd names; `/` for a user it does not know. */
  readonly home: string;
}

const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_ID = 0x7fff_ffff;

interface Passwd {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * Resolves the `User` of an image config as docker does: a name wins over a number; a group given by the user takes
 * the place of the supplementary ones.
 *
 * @param spec Empty (root), `name`, `uid`, `name:group`, `uid:gid` and mixtures.
 * @param root The root file system; links are followed inside it only.
 * @throws {LayerwrightError} `RUN_USER_UNKNOWN` for a name its files do not have.
 * @see moby/sys/user, GetExecUser
 */
export function resolveUser(spec: string, root: string): StepUser {
  const colon = spec.indexOf(":");
  const userPart = colon < 0 ? spec : spec.slice(0, colon);
  const groupPart = colon < 0 ? "" : spec.slice(colon + 1);
  const passwd = readRecords(root, "/etc/passwd").flatMap(parsePasswd);

  const wanted = userPart === "" ? "0" : userPart;
  const known = passwd.find(({ name }) => name === wanted) ??
    passwd.find(({ uid }) => String(uid) === wanted);
  const uid = known?.uid ?? parseId(wanted);
  if (uid === undefined) {
    throw unknown("user", userPart, "/etc/passwd", passwd.map(({ name }) => name));
  }
  const home = known === undefined || known.home === "" ? "/" : known.home;
  // Root by default is root alone: groups that happen to list it are for logins.
  if (spec === "") return { uid: 0, gid: 0, groups: [], home };

  const groups = readRecords(root, "/etc/group").flatMap(parseGroup);
  if (groupPart !== "") {
    const group = groups.find(({ name }) => name === groupPart);
    const gid = group?.gid ?? parseId(groupPart);
    if (gid === undefined) {
      throw unknown("group", groupPart, "/etc/group", groups.map(({ name }) => name));
    }
    return { uid, gid, groups: [], home };
  }
  const supplementary = known === undefined
    ? []
    : groups.filter(({ members }) => members.includes(known.name)).map(({ gid }) => gid);
  return { uid, gid: known?.gid ?? 0, groups: [...new Set(supplementary)], home };
}

/** The lines of a file with colons; empty for one that is missing or no regular file. */
function readRecords(root: string, path: string): string[][] {
  const { path: resolved, stats } = resolveInRoot(root, path);
  // A FIFO there would block the worker for ever, a huge file fill its memory.
  if (stats?.isFile() !== true || stats.size > MAX_FILE_BYTES) return [];
  return readFileSync(root + resolved, "utf8").split("\n").map((line) => line.trim().split(":"));
}

function parsePasswd([name, , uid, gid, , home]: readonly string[]): Passwd[] {
  const ids = { uid: parseId(uid ?? ""), gid: parseId(gid ?? "") };
  if (name === undefined || name === "" || ids.uid === undefined || ids.gid === undefined) {
    return [];
  }
  return [{ name, uid: ids.uid, gid: ids.gid, home: home ?? "" }];
}

function parseGroup([name, , id, members]: readonly string[]): Group[] {
  const gid = parseId(id ?? "");
  if (name === undefined || name === "" || gid === undefined) return [];
  return [{ name, gid, members: (members ?? "").split(",") }];
}

function parseId(text: string): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

function unknown(
  what: "user" | "group",
  name: string,
  file: string,
  names: readonly string[],
): LayerwrightError {
  const nearest = names.map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const close = nearest !== undefined && nearest.distance <= Math.max(2, name.length / 3);
  return new LayerwrightError(
    "RUN_USER_UNKNOWN",
    `Cannot run as ${what} ${JSON.stringify(name)}: ${file} of the image has no such ${what}` +
      (close ? `, did you mean "${nearest.candidate}"?` : ""),
    { hint: `create the ${what} in a step before, or give its number` },
  );
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
