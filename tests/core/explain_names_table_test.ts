/** What the cache makes of the names of sources, and of archives: what of them is in the layer is in the key, no more. */
import { chmodSync, renameSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { image, inlineFile } from "../../mod.ts";
import { type CacheChange, testCacheChange } from "../support/cache_change.ts";
import { END, joined, rawMember } from "../support/raw_tar.ts";
import type { TempEngine } from "../support/temp_engine.ts";

const archive = (text: string): Uint8Array => joined(rawMember({ name: "f" }, text), END);
const FILES = {
  "a": "same\n",
  "b": "same\n",
  "c": "other text\n",
  "one/f": "x",
  "one/g": "g",
  "two/f": "x",
  "two/g": "g",
  "three/f": "longer",
  "three/g": "g",
  "t.tar": archive("x"),
  "u.tar": archive("x"),
  "v.tar": archive("longer"),
} as const;

const scratch = image().from("scratch");
const late = { epochSeconds: 4e9 };
const at = (lw: TempEngine, path: string): string => join(lw.context, path);

const hit = ["hit"] as const;
const CHANGES: readonly CacheChange[] = [
  // Names that nothing in the layer has.
  {
    name: "name of a file that gets another name",
    before: scratch.copy("a", "/x"),
    after: scratch.copy("b", "/x"),
    steps: hit,
  },
  {
    name: "name of a file that gets another name, onto other files",
    before: scratch.copy("one", "/srv").copy("a", "/srv/x"),
    after: scratch.copy("one", "/srv").copy("b", "/srv/x"),
    steps: ["hit", "hit"],
  },
  {
    name: "name of an inline file that gets another name",
    before: scratch.copy(inlineFile("a", "1"), "/x"),
    after: scratch.copy(inlineFile("b", "1"), "/x"),
    steps: hit,
  },
  {
    name: "name of a directory whose contents are copied",
    before: scratch.copy("one", "/x/"),
    after: scratch.copy("two", "/x/"),
    steps: hit,
  },
  {
    name: "names of two directories",
    before: scratch.copy(["one", "a"], "/x/"),
    after: scratch.copy(["two", "a"], "/x/"),
    steps: hit,
  },
  {
    name: "name of an extracted archive",
    before: scratch.add("t.tar", "/"),
    after: scratch.add("u.tar", "/"),
    steps: hit,
  },
  {
    name: "content of the one file that is copied under another name",
    before: scratch.copy("a", "/x"),
    edit: async (lw) => {
      // A hit: the record that explains is the one of "a".
      await lw.build(scratch.copy("b", "/x"));
      lw.write({ b: "more text\n" });
    },
    after: scratch.copy("b", "/x"),
    steps: [/^file "b": content changed \(5 → 10 bytes\)$/],
  },
  {
    name: "another file under the same name, and other content",
    before: scratch.copy("a", "/x"),
    after: scratch.copy("c", "/x"),
    steps: [/^file "c": content changed \(5 → 11 bytes\)$/],
  },
  {
    name: "another directory, and other content",
    before: scratch.copy("one", "/x/"),
    after: scratch.copy("three", "/x/"),
    steps: [/^file "three\/f": content changed \(1 → 6 bytes\)$/],
  },
  {
    name: "another directory that has none of the files",
    before: scratch.copy(["one", "a"], "/x/"),
    prepare: (lw) => lw.write({ "four/h": "h" }),
    after: scratch.copy(["four", "a"], "/x/"),
    steps: [/^directory "four" is new; 1 other file differs$/],
  },
  {
    name: "name that does not matter, and the mode of directories",
    before: scratch.copy("a", "/new/x", { mode: "755" }),
    prepare: (lw) => chmodSync(at(lw, "b"), 0o755),
    after: scratch.copy("b", "/new/x", { mode: "u=rwx,go=x" }),
    steps: [/^file "b": mode 0755 → 0711$/],
  },
  {
    name: "order of two directories that merge",
    before: scratch.copy(["one", "three"], "/x/"),
    after: scratch.copy(["three", "one"], "/x/"),
    steps: [/^order of sources changed: "one three" → "three one"$/],
  },

  {
    name: "a slash after a directory that is made of copied contents",
    before: scratch.copy("one", "/x"),
    after: scratch.copy("one", "/x/"),
    steps: hit,
  },
  {
    name: "a slash after a directory that is there already",
    before: scratch.copy("one", "/x/").copy("a", "/x"),
    after: scratch.copy("one", "/x/").copy("a", "/x/"),
    steps: ["hit", "hit"],
  },
  {
    name: "a slash, and another file of the same content",
    before: scratch.copy("a", "/x"),
    after: scratch.copy("b", "/x/"),
    steps: [/^file "a" was renamed to "b"$/],
  },

  // Names that something has.
  {
    name: "name of a file in a directory by its slash",
    before: scratch.copy("a", "/x/"),
    after: scratch.copy("b", "/x/"),
    steps: [/^file "a" was renamed to "b"$/],
  },
  {
    name: "name of a file in a directory that is there already",
    before: scratch.copy("one", "/x/").copy("a", "/x"),
    after: scratch.copy("one", "/x/").copy("b", "/x"),
    steps: ["hit", /^file "a" was renamed to "b"$/],
  },
  {
    name: "name of a file in the root",
    before: scratch.copy("a", "/"),
    after: scratch.copy("b", "/."),
    steps: [/^file "a" was renamed to "b"$/],
  },
  {
    name: "name of a file behind a link to a directory",
    prepare: (lw) => lw.write({ "links/x": { link: "y" }, "links/y/k": "k" }),
    before: scratch.copy("links", "/").copy("a", "/x"),
    after: scratch.copy("links", "/").copy("b", "/x"),
    steps: ["hit", /^file "a" was renamed to "b"$/],
  },
  {
    name: "name of a file among several",
    before: scratch.copy(["one", "a"], "/x"),
    after: scratch.copy(["one", "b"], "/x"),
    steps: [/^file "a" was renamed to "b"$/],
  },
  {
    name: "name of what is no archive, added to a directory",
    before: scratch.add(["t.tar", "a"], "/x/"),
    after: scratch.add(["t.tar", "b"], "/x/"),
    steps: [/^file "a" was renamed to "b"$/],
  },
  {
    name: "a directory where a file was copied to",
    before: scratch.copy("a", "/x"),
    after: scratch.copy("one", "/x/").copy("a", "/x"),
    steps: [/./, /^base has another "\/x": nothing → directory /],
  },

  // Archives.
  {
    name: "executable bit of an extracted archive",
    before: scratch.add("t.tar", "/"),
    edit: (lw) => chmodSync(at(lw, "t.tar"), 0o755),
    steps: hit,
  },
  {
    name: "time of an extracted archive",
    before: scratch.add("t.tar", "/", { keepTimes: true }),
    firstOptions: late,
    edit: (lw) => utimesSync(at(lw, "t.tar"), 5, 5),
    options: late,
    steps: hit,
  },
  {
    name: "times in an extracted archive are kept from now on",
    before: scratch.add("t.tar", "/"),
    firstOptions: late,
    after: scratch.add("t.tar", "/", { keepTimes: true }),
    options: late,
    steps: [/^file "t.tar": times in the archive are now kept$/],
  },
  {
    name: "content of an extracted archive",
    before: scratch.add("t.tar", "/"),
    edit: (lw) => renameSync(at(lw, "v.tar"), at(lw, "t.tar")),
    steps: [/^file "t.tar": content changed \(2,048 bytes as before\)$/],
  },
  {
    name: "owner of what an archive holds",
    before: scratch.add("t.tar", "/"),
    after: scratch.add("t.tar", "/", { owner: "0:0" }),
    steps: [/^owner changed: /],
  },
  {
    name: "an archive becomes a file like any other",
    before: scratch.add("t.tar", "/"),
    edit: (lw) => lw.write({ "t.tar": "text" }),
    steps: [/^file "t.tar": content changed \(2,048 → 4 bytes\)$/],
  },
  {
    name: "executable bit of an added file",
    before: scratch.add("a", "/x"),
    edit: (lw) => chmodSync(at(lw, "a"), 0o755),
    steps: [/^file "a": mode 0644 → 0755$/],
  },
  {
    name: "executable bit of a file that is added beside an archive",
    before: scratch.add(["t.tar", "a"], "/x/"),
    edit: (lw) => chmodSync(at(lw, "a"), 0o755),
    steps: [/^file "a": mode 0644 → 0755$/],
  },
  {
    name: "ADD instead of COPY of a file that is no archive",
    before: scratch.copy("a", "/x"),
    after: scratch.add("a", "/x"),
    steps: hit,
  },
  {
    name: "ADD instead of COPY of a file that is no archive, and its content",
    before: scratch.copy("a", "/x"),
    edit: (lw) => lw.write({ a: "more text\n" }),
    after: scratch.add("a", "/x"),
    steps: [/^file "a": content changed \(5 → 10 bytes\)$/],
  },
  {
    name: "ADD instead of COPY of an archive",
    before: scratch.copy("t.tar", "/"),
    after: scratch.add("t.tar", "/"),
    steps: [/^extraction of archives changed: "never" → "local"$/],
  },
  {
    name: "COPY instead of ADD of an archive",
    before: scratch.add("t.tar", "/"),
    after: scratch.copy("t.tar", "/"),
    steps: [/^extraction of archives changed: "local" → "never"$/],
  },
];

for (const change of CHANGES) testCacheChange({ files: FILES, ...change });
