/**
 * Differences of files in words: those that are copied, and those that they are copied onto.
 *
 * @module
 */
import type { Explainer, InputDifference } from "./explain.ts";
import { isEqualJson } from "./first_difference.ts";
import { pairItems } from "./item_pairs.ts";
import { HIDDEN, shownChange, shownMode, shownSize, shownValue } from "./shown_value.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A file that differs, with what stands for it on both sides. */
interface ChangedFile {
  readonly path: string;
  readonly before?: Fields;
  readonly after?: Fields;
}

/** The sources of a copy: the first file that differs, and how many more do. */
export const explainItems: Explainer = (before, after, { sources = [] }) => {
  const [old, now] = [list(before), list(after)];
  if (old.length === now.length && old.every((was, index) => isSameItem(was, now[index]))) {
    return undefined;
  }
  const pairs = pairItems(old, now);
  const files: ChangedFile[] = [];
  for (const [index, { was, is }] of pairs.entries()) {
    const name = sources[index] ?? String((is ?? was)?.path ?? "");
    if (was === undefined || is === undefined || was.isDirectory !== is.isDirectory) {
      const [one, other] = [itemFields(was), itemFields(is)];
      files.push({
        path: name,
        ...one === undefined ? {} : { before: one },
        ...other === undefined ? {} : { after: other },
      });
    } else files.push(...changedFiles(was, is, name));
  }
  const [first] = files;
  if (first === undefined) {
    if (pairs.every(({ was }, index) => was === old[index])) return undefined;
    const names = [old, now].map((items) => items.map(({ path }) => path).join(" "));
    const text = `order of sources changed: ${shownChange(names[0], names[1])}`;
    return { path: "order", before: names[0], after: names[1], text };
  }
  const renamed = renamedFile(first, files);
  if (renamed !== undefined) return withCount(renamed, files.length - 2);
  return withCount(explainFile(first), files.length - 1);
};

/** What the directories and links beneath a step were found to be: a step depends on no more of its base. */
export const explainFacts: Explainer = (before, after, { link }) => {
  const [old, now] = [fields(before), fields(after)];
  for (const path of new Set([...Object.keys(now), ...Object.keys(old)])) {
    const [was, is] = [old[path], now[path]];
    if (isEqualJson(was, is)) continue;
    const text = link === true && is === undefined
      ? `link is on: "/${path}" of the base is no longer looked at`
      : `base has another "/${path}": ${factText(was)} → ${factText(is)}`;
    return { path, before: was, after: is, text };
  }
  return undefined;
};

/** Changes to files that need no source, and the owners of what they make. */
export const explainEntries: Explainer = (before, after) => {
  const [old, now] = [list(before), list(after)];
  const data = (action: Fields): Fields =>
    action.text === undefined ? action : { ...action, text: HIDDEN };
  for (let index = 0; index < Math.max(old.length, now.length); index++) {
    const [was, is] = [old[index], now[index]];
    if (isEqualJson(was, is)) continue;
    const path = String(index);
    if (was === undefined) return { path, after: data(is ?? {}), text: `${actionText(is)} is new` };
    if (is === undefined) return { path, before: data(was), text: `${actionText(was)} is gone` };
    if (was.kind !== is.kind || was.path !== is.path) {
      return {
        path,
        before: data(was),
        after: data(is),
        text: `${actionText(was)} changed to ${actionText(is)}`,
      };
    }
    return {
      path,
      before: data(was),
      after: data(is),
      text: `${actionText(is)}: ${fieldChange(was, is)}`,
    };
  }
  return undefined;
};

/** Whether two items are the same in all that decides. */
function isSameItem(was: Fields, is: Fields = {}): boolean {
  if (was.isDirectory !== is.isDirectory) return false;
  const [olds, nows] = [withTimes(was), withTimes(is)];
  return olds.length === nows.length &&
    olds.every((entry, index) => !differs(entry, nows[index] ?? {}));
}

/** The files of one source that differ, by path. */
function changedFiles(was: Fields, is: Fields, name: string): ChangedFile[] {
  const full = (path: unknown): string =>
    is.isDirectory !== true ? name : name === "" ? String(path) : `${name}/${path}`;
  // A file that has no name in the key is the same file where it has one.
  const isNameless = [was, is].some((item) =>
    item.isDirectory !== true && list(item.entries)[0]?.path === ""
  );
  const keyOf = ({ path }: Fields): unknown => isNameless ? "" : path;
  const olds = new Map(withTimes(was).map((entry) => [keyOf(entry), entry]));
  const files: ChangedFile[] = [];
  for (const entry of withTimes(is)) {
    const earlier = olds.get(keyOf(entry));
    olds.delete(keyOf(entry));
    if (earlier === undefined) files.push({ path: full(entry.path), after: entry });
    else if (differs(earlier, isNameless ? { ...entry, path: earlier.path } : entry)) {
      files.push({ path: full(entry.path), before: earlier, after: entry });
    }
  }
  for (const entry of olds.values()) files.push({ path: full(entry.path), before: entry });
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** A large tree has many entries, nearly all the same: plain fields are compared without encoding them. */
function differs(before: Fields, after: Fields): boolean {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (before[name] !== after[name] && !isEqualJson(before[name], after[name])) return true;
  }
  return false;
}

/** The entries of a source, each with its modification time where times are kept. */
function withTimes(item: Fields): Fields[] {
  const entries = list(item.entries);
  if (item.times === undefined) return entries;
  if (!Array.isArray(item.times)) return entries.map((entry) => ({ ...entry, times: item.times }));
  const times: readonly unknown[] = item.times;
  return entries.map((entry, index) => ({ ...entry, mtime: times[index] }));
}

/** A whole source as one file: the file it is, or a directory. */
function itemFields(item: Fields | undefined): Fields | undefined {
  if (item === undefined) return undefined;
  if (item.isDirectory === true) return { type: "directory", path: item.path };
  return withTimes(item)[0] ?? { type: "file", path: item.path };
}

function explainFile({ path: written, before, after }: ChangedFile): InputDifference {
  // The root of a source has no name.
  const path = written === "" ? "." : written;
  if (before === undefined) return { path, after, text: `${noun(after)} "${path}" is new` };
  if (after === undefined) return { path, before, text: `${noun(before)} "${path}" is gone` };
  return { path, before, after, text: `${noun(after)} "${path}": ${fieldChange(before, after)}` };
}

/** The other end of a move: a file of the same content that is gone where this one is new, or new where it is gone. */
function renamedFile(
  first: ChangedFile,
  files: readonly ChangedFile[],
): InputDifference | undefined {
  const { content, size } = fields(first.before ?? first.after);
  if (content === undefined || size === 0) return undefined;
  if (first.before !== undefined && first.after !== undefined) return undefined;
  const other = files.find(({ before, after }) =>
    first.before === undefined
      ? after === undefined && before?.content === content
      : before === undefined && after?.content === content
  );
  if (other === undefined) return undefined;
  const [from, to] = first.before === undefined ? [other, first] : [first, other];
  const { path: old } = from;
  return {
    path: old,
    before: from.before,
    after: to.after,
    text: `file "${old}" was renamed to "${to.path}"`,
  };
}

/** What of two entries differs, the most telling field first. */
function fieldChange(before: Fields, after: Fields): string {
  if (before.type !== after.type) return `${before.type} → ${after.type}`;
  if (before.link !== after.link) return `target changed: ${shownChange(before.link, after.link)}`;
  if (before.target !== after.target) {
    return `target changed: ${shownChange(before.target, after.target)}`;
  }
  if (before.content !== after.content) {
    return before.size === after.size
      ? `content changed (${shownSize(after.size)} byte${after.size === 1 ? "" : "s"} as before)`
      : `content changed (${shownSize(before.size)} → ${shownSize(after.size)} bytes)`;
  }
  // The text itself may be a secret, and long.
  if (before.text !== after.text) {
    const lengths = [before.text, after.text].map((text) => shownSize(String(text).length));
    return `text changed (${lengths.join(" → ")} characters)`;
  }
  if (before.mode !== after.mode) {
    return `mode ${shownMode(before.mode)} → ${shownMode(after.mode)}`;
  }
  if (before.uid !== after.uid || before.gid !== after.gid) {
    return `owner ${before.uid}:${before.gid} → ${after.uid}:${after.gid}`;
  }
  if (before.mtime !== after.mtime) {
    return `modification time ${shownTime(before.mtime)} → ${shownTime(after.mtime)}`;
  }
  if (before.times !== after.times) {
    return `times in the archive are ${after.times === undefined ? "no longer" : "now"} kept`;
  }
  const [old, now] = [fields(before.xattrs), fields(after.xattrs)];
  for (const name of new Set([...Object.keys(now), ...Object.keys(old)])) {
    if (old[name] === now[name]) continue;
    const how = old[name] === undefined ? "new" : now[name] === undefined ? "gone" : "changed";
    return `extended attribute ${shownValue(name)} is ${how}`;
  }
  return `changed: ${shownChange(before, after)}`;
}

function withCount(difference: InputDifference, more: number): InputDifference {
  if (more <= 0) return difference;
  const files = more === 1 ? "1 other file differs" : `${shownSize(more)} other files differ`;
  return { ...difference, text: `${difference.text}; ${files}` };
}

function factText(fact: unknown): string {
  if (fact === undefined) return "nothing";
  const { type, mode, uid, gid, target } = fields(fact);
  return type === "symlink"
    ? `link to ${shownValue(target)}`
    : `${type} ${shownMode(mode)} ${uid}:${gid}`;
}

/** Entries of a step that makes directories have no kind. */
function actionText(action: Fields | undefined): string {
  const { kind, path = "" } = fields(action);
  const shown = `"/${String(path).replace(/^\//, "")}"`;
  return kind === undefined ? shown : `${kind} ${shown}`;
}

function noun(entry: Fields | undefined): string {
  const type = entry?.type;
  return type === "symlink" || type === "hardlink" ? "link" : String(type ?? "file");
}

function shownTime(seconds: unknown): string {
  return typeof seconds === "number" && Math.abs(seconds) < 8.64e12
    ? new Date(seconds * 1000).toISOString().replace(/\.000Z$/, "Z")
    : "none";
}

function list(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? value as Fields : {};
}
