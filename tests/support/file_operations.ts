/**
 * Random operations on files, as lines of a shell script, and a listing of all that they led to.
 *
 * @module
 */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { ContentReader } from "../../core/layer/file_content.ts";
import type { FileEntry } from "../../core/layer/file_entry.ts";
import { Tree } from "../../core/layer/tree.ts";

/** Where the operations take place. */
export const FOLDER = "/w";

// Few enough that operations meet.
const NAMES = ["a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "d/e/ä x", "d/-n", "n", "n/a"];
const CAPABILITY = "0x0100000200200000000000000000000000000000";
const path = fc.constantFrom(...NAMES).map((name) => `'${FOLDER}/${name}'`);
const pair = fc.tuple(path, path);
const small = fc.nat(4);

/** Any system call that changes a file; it may well fail, as in any script. */
const operation: fc.Arbitrary<string> = fc.oneof(
  // A pipe would wait for its other end.
  fc.tuple(path, small).map(([at, n]) => `[ -p ${at} ] || echo ${n} > ${at}`),
  fc.tuple(path, small).map(([at, n]) => `[ -p ${at} ] || echo ${n} >> ${at}`),
  fc.tuple(path, fc.constantFrom(0, 1, 5000)).map(([at, size]) =>
    `[ -p ${at} ] || truncate -s ${size} ${at}`
  ),
  fc.tuple(path, small).map(([at, n]) =>
    `[ -p ${at} ] || printf ${n} | dd of=${at} bs=1 seek=3 conv=notrunc`
  ),
  path.map((at) => `mkdir ${at}`),
  path.map((at) => `rmdir ${at}`),
  path.map((at) => `unlink ${at}`),
  path.map((at) => `rm -rf ${at}`),
  path.map((at) => `rm -rf ${at}; mkdir ${at}`),
  pair.map(([from, to]) => `mv -T ${from} ${to}`),
  pair.map(([from, to]) => `mv ${from} ${to}`),
  pair.map(([from, to]) => `ln ${from} ${to}`),
  pair.map(([from, to]) => `ln -sfn ${from} ${to}`),
  pair.map(([from, to]) => `[ -n "$(find -L ${to} -type p)" ] || cp -a ${from} ${to}`),
  fc.tuple(path, fc.constantFrom("600", "4755", "2770", "1777", "0")).map(([at, mode]) =>
    `chmod ${mode} ${at}`
  ),
  fc.tuple(path, fc.constantFrom("5:6", "0:7", "0:0")).map(([at, owner]) =>
    `chown -h ${owner} ${at}`
  ),
  fc.tuple(path, fc.nat(9)).map(([at, time]) => `touch -d @${time} ${at}`),
  path.map((at) => `mkfifo ${at}`),
  fc.tuple(path, fc.constantFrom("c 1 3", "b 7 9")).map(([at, device]) => `mknod ${at} ${device}`),
  fc.tuple(path, fc.constantFrom("user.one", "user.two"), small).map(([at, name, n]) =>
    `setfattr -h -n ${name} -v ${n} ${at}`
  ),
  path.map((at) => `setfattr -h -x user.one ${at}`),
  path.map((at) => `setfattr -h -n security.capability -v ${CAPABILITY} ${at}`),
  fc.constant(`rm -rf ${FOLDER}; mkdir ${FOLDER}`),
);

/** Lines of a script; each may fail. */
export const operations: fc.Arbitrary<string> = fc.array(operation, { minLength: 1, maxLength: 14 })
  .map((lines) => lines.join("\n"));

/** What the first layer has: one of each kind, and names that are of one file. */
export const FIRST_LAYER: string = `
  mkdir -p ${FOLDER}/d/e; cd ${FOLDER}
  echo a > a; ln a d/a; echo b > b; ln -s ../b d/b; echo e > d/e/a; chmod 4755 d/e/a
  mkfifo d/-n; setfattr -n user.one -v 1 a; chown 5:6 b; touch -d @3 d/e b
`;

/** Prints what {@link parseListing} reads. */
export const LISTING: string =
  `cd /; find ${FOLDER} -exec stat -c '%n|%f|%u|%g|%s|%Y|%i|%t|%T|%N' {} +; echo =
  find ${FOLDER} -type f -exec sha256sum {} +; echo =
  getfattr -R -h -d -m - -e hex --absolute-names ${FOLDER}`;

/** What is compared of a file. */
export interface ListedFile {
  /** Type and permission bits, as `st_mode`. */
  readonly mode: number;
  readonly owner: string;
  readonly mtimeSeconds: number;
  /** The first of its names. */
  readonly firstName: string;
  /** Content, link target or device number. */
  readonly content: string;
  readonly xattrs: Readonly<Record<string, string>>;
}

const TYPES: Readonly<Record<string, number>> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  fifo: 0o010000,
  "character-device": 0o020000,
  "block-device": 0o060000,
};

/** Reads what a step printed; times as a layer of that epoch has them. */
export function parseListing(text: string, epochSeconds: number): Map<string, ListedFile> {
  const [stats = "", sums = "", attributes = ""] = text.split("=\n");
  const contents = new Map(
    linesOf(sums).map((line) => [line.slice(66), line.slice(0, 64)]),
  );
  const xattrs = parseAttributes(attributes);
  const first = new Map<string, string>();
  const rows = linesOf(stats).map((line) => line.split("|"))
    .sort(([a = ""], [b = ""]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return new Map(rows.map((row): [string, ListedFile] => {
    const [name = "", hex = "", uid, gid, , mtime, inode = "", major, minor, quoted = ""] = row;
    const mode = Number.parseInt(hex, 16);
    const type = mode & 0o170000;
    const isDirectory = type === TYPES.directory;
    if (!isDirectory && !first.has(inode)) first.set(inode, name);
    const device = `${Number.parseInt(major ?? "", 16)}:${Number.parseInt(minor ?? "", 16)}`;
    const content = type === TYPES.symlink
      ? /-> '?(.*?)'?$/.exec(quoted)?.[1]
      : type === TYPES["character-device"] || type === TYPES["block-device"]
      ? device
      : contents.get(name);
    return [name, {
      mode,
      owner: `${uid}:${gid}`,
      mtimeSeconds: Math.min(Number(mtime), epochSeconds),
      firstName: isDirectory ? name : first.get(inode) ?? name,
      content: content ?? "",
      xattrs: xattrs.get(name) ?? {},
    }];
  }));
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** Blocks of `# file: name`, then `name=0x…`; odd bytes of names in octal. */
function parseAttributes(text: string): Map<string, Record<string, string>> {
  return new Map(
    text.split("\n\n").filter((block) => block.startsWith("# file: ")).map((block) => {
      const [head = "", ...lines] = linesOf(block);
      const escaped = head.slice("# file: ".length).replace(
        /\\(\d{3})/g,
        (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)),
      );
      const bytes = Buffer.from(escaped, /[\u0100-\uffff]/.test(escaped) ? "utf8" : "latin1");
      const name = bytes.toString("utf8").includes("\ufffd") ? escaped : bytes.toString("utf8");
      const pairs = lines.map((line) => line.split("=") as [string, string]);
      return [name, Object.fromEntries(pairs)];
    }),
  );
}

/** The same of the files that a stack of layers shows. */
export function listTree(entries: readonly FileEntry[]): Map<string, ListedFile> {
  const tree = new Tree(entries);
  using reader = new ContentReader();
  const folder = FOLDER.slice(1);
  const inside = entries.filter(({ path }) => path === folder || path.startsWith(`${folder}/`));
  return new Map(inside.map((own): [string, ListedFile] => {
    const entry = tree.get(own.path) ?? own;
    const hash = createHash("sha256");
    if (entry.type === "file") reader.read(entry, (piece) => hash.update(piece));
    const { type, devMajor, devMinor, linkTarget = "", uid, gid, mtimeSeconds } = entry;
    const content = type === "file"
      ? hash.digest("hex")
      : type === "symlink"
      ? linkTarget
      : devMajor === undefined
      ? ""
      : `${devMajor}:${devMinor}`;
    const xattrs = Object.entries(entry.xattrs ?? {}).map(([name, value]) =>
      [name, `0x${Buffer.from(value).toString("hex")}`] as const
    );
    return [`/${own.path}`, {
      mode: (TYPES[type] ?? 0) | entry.mode,
      owner: `${uid}:${gid}`,
      mtimeSeconds,
      firstName: `/${own.type === "hardlink" ? own.linkTarget : own.path}`,
      content,
      xattrs: Object.fromEntries(xattrs),
    }];
  }));
}
