/**
 * fast-check arbitraries of file trees: odd names, links, devices, xattrs, modes, owners and times.
 *
 * @module
 */
import * as fc from "fast-check";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { parentPath } from "../../core/layer/link_resolver.ts";

/** Which trees are made. */
export interface TreeArbitraryOptions {
  /** Only what root can make on a real Linux file system, and read back the same. Default false. */
  readonly onDisk?: boolean;
  /** Largest number of paths drawn; default 16. */
  readonly maxPaths?: number;
}

// Few names, so that paths meet: prefixes of each other, siblings that sort between a directory and
// its children, names that mean something to a shell, to JavaScript, to the formats.
const NAMES = [
  "a",
  "b",
  "c",
  "a-b",
  "a.b",
  "é",
  "e\u0301",
  "\u{1F600}",
  "\uFFFD",
  "\uFEFFbom",
  "new\nline",
  " ",
  "=",
  "*",
  "'q'",
  "-rf",
  "...",
  "..x",
  ".wh",
  "__proto__",
  "constructor",
  "\x7f",
  "ab".repeat(50),
  "cd".repeat(60),
];
const RAW_NAMES = ["\udcff\udc80", "a\udce9"];
const IDS = [0, 1, 1000, 65534, 0o7777777, 0o10000000, 0xffff_fffe];
const TIMES = [0, 1, 1_700_000_000, 0o77777777777, 0o100000000000, -1, -1_000_000_000];

/**
 * A layer's entries: unique paths, every parent a directory of the list where it is listed at all, hard links to files
 * of the list. In no particular order but that a hard link comes after its file.
 */
export function treeArbitrary(options: TreeArbitraryOptions = {}): fc.Arbitrary<FileEntry[]> {
  const { onDisk = false, maxPaths = 16 } = options;
  const name = fc.constantFrom(...NAMES, ...(onDisk ? [] : RAW_NAMES));
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
  const drawn = fc.tuple(path, kindArbitrary(onDisk), metadataArbitrary());
  return fc.tuple(
    fc.array(drawn, { maxLength: maxPaths }),
    fc.array(fc.tuple(path, fc.nat()), { maxLength: 4 }),
  ).map(([files, links]) => assemble(files, links, onDisk));
}

type Kind = Pick<FileEntry, "type" | "linkTarget" | "devMajor" | "devMinor" | "xattrs" | "content">;
type Metadata = Pick<FileEntry, "mode" | "uid" | "gid" | "mtimeSeconds">;

function metadataArbitrary(): fc.Arbitrary<Metadata> {
  return fc.record({
    mode: fc.oneof(
      fc.constantFrom(0o644, 0o755, 0o4755, 0o1777, 0),
      fc.integer({ min: 0, max: 0o7777 }),
    ),
    uid: fc.constantFrom(...IDS),
    gid: fc.constantFrom(...IDS),
    mtimeSeconds: fc.constantFrom(...TIMES),
  });
}

function kindArbitrary(onDisk: boolean): fc.Arbitrary<Kind> {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom(511, 512, 513).map((length) => new Uint8Array(length).fill(7)),
  );
  const xattrs = fc.dictionary(
    fc.constantFrom("user.a", "user.é", ...(onDisk ? [] : ["security.capability", "user.\udcff"])),
    fc.uint8Array({ maxLength: 12 }),
    { maxKeys: 2, noNullPrototype: true },
  );
  const withXattrs = fc.oneof(
    fc.constant({}),
    xattrs.map((x) => Object.keys(x).length === 0 ? {} : { xattrs: x }),
  );
  const device = fc.record({ devMajor: fc.nat(255), devMinor: fc.nat(255) });
  const target = fc.constantFrom(
    "a",
    "../b",
    "/abs/é",
    "..",
    "/",
    "x".repeat(101),
    ...(onDisk ? [] : RAW_NAMES),
  );
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(bytes, withXattrs).map(([b, x]): Kind => ({
        type: "file",
        content: { kind: "bytes", bytes: b },
        ...x,
      })),
    },
    { weight: 3, arbitrary: withXattrs.map((x): Kind => ({ type: "directory", ...x })) },
    { weight: 1, arbitrary: target.map((linkTarget): Kind => ({ type: "symlink", linkTarget })) },
    { weight: 1, arbitrary: device.map((d): Kind => ({ type: "character-device", ...d })) },
    { weight: 1, arbitrary: device.map((d): Kind => ({ type: "block-device", ...d })) },
    { weight: 1, arbitrary: fc.constant<Kind>({ type: "fifo" }) },
  );
}

/** Leaves out what would contradict an earlier path: below a file, or a file where a directory must be. */
function assemble(
  files: readonly (readonly [string, Kind, Metadata])[],
  links: readonly (readonly [string, number])[],
  onDisk: boolean,
): FileEntry[] {
  const entries = new Map<string, FileEntry>();
  const parents = new Set<string>();
  const fits = (path: string, isDirectory: boolean): boolean => {
    if (entries.has(path) || (!isDirectory && parents.has(path))) return false;
    for (let at = parentPath(path); at !== ""; at = parentPath(at)) {
      const parent = entries.get(at);
      if (parent !== undefined && parent.type !== "directory") return false;
    }
    return true;
  };
  const add = (entry: FileEntry): void => {
    entries.set(entry.path, entry);
    for (let at = parentPath(entry.path); at !== ""; at = parentPath(at)) parents.add(at);
  };
  for (const [path, kind, metadata] of files) {
    if (!fits(path, kind.type === "directory")) continue;
    const sizeBytes = kind.content?.kind === "bytes" ? kind.content.bytes.length : 0;
    // A link's mode is always 0777 on Linux.
    const mode = onDisk && kind.type === "symlink" ? 0o777 : metadata.mode;
    add({ path, ...kind, ...metadata, mode, sizeBytes });
  }
  const targets = [...entries.values()].filter(({ type }) => type !== "directory");
  for (const [path, pick] of links) {
    const target = targets[pick % Math.max(targets.length, 1)];
    if (target === undefined || !fits(path, false)) continue;
    const { mode, uid, gid, mtimeSeconds } = target;
    add({
      path,
      type: "hardlink",
      linkTarget: target.path,
      mode,
      uid,
      gid,
      mtimeSeconds,
      sizeBytes: 0,
    });
  }
  return [...entries.values()];
}
