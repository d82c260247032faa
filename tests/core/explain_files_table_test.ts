/** What the cache makes of single changes to copied files, odd ones too, and of other words for the same copy. */
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { host } from "../../core/host/mod.ts";
import { image, inlineFile } from "../../mod.ts";
import { type CacheChange, testCacheChange } from "../support/cache_change.ts";
import type { TempEngine } from "../support/temp_engine.ts";
import { xattrObstacle } from "../support/xattr_obstacle.ts";

const FILES = {
  "src/main": { text: "main\n", mode: 0o644 },
  "src/twin": { text: "main\n", mode: 0o644 },
  "src/lib/a": "a",
  "src/lib/b": "b",
  "src/link": { link: "lib" },
  "readme": "read me",
} as const;

const scratch = image().from("scratch");
const app = scratch.copy("src", "/srv/");
const preserving = scratch.copy("src", "/srv/", { mode: "preserve" });
const at = (lw: TempEngine, path: string): string => join(lw.context, path);
const setXattr = (lw: TempEngine, name: string, text: string): void =>
  host.systemCalls()?.setXattr(at(lw, "src/main"), name, new TextEncoder().encode(text));
const notRoot = process.getuid?.() === 0 ? undefined : "needs root";

const hit = ["hit"] as const;
const CHANGES: readonly CacheChange[] = [
  // One file.
  {
    name: "a file is emptied",
    before: app,
    edit: (lw) => writeFileSync(at(lw, "src/main"), ""),
    steps: [/^file "src\/main": content changed \(5 → 0 bytes\)$/],
  },
  {
    name: "a change that is taken back",
    before: app,
    edit: async (lw) => {
      lw.write({ "src/main": "other\n" });
      await lw.build(app);
      lw.write({ "src/main": "main\n" });
    },
    steps: hit,
  },
  {
    name: "a file is written anew with what it had",
    before: app,
    edit: (lw) => {
      rmSync(at(lw, "src/main"));
      lw.write({ "src/main": FILES["src/main"] });
    },
    steps: hit,
  },
  {
    name: "two files change places",
    before: app,
    edit: (lw) => {
      renameSync(at(lw, "src/lib/a"), at(lw, "src/lib/c"));
      renameSync(at(lw, "src/lib/b"), at(lw, "src/lib/a"));
      renameSync(at(lw, "src/lib/c"), at(lw, "src/lib/b"));
    },
    steps: [/^file "src\/lib\/a": content changed \(1 byte as before\); 1 other file differs$/],
  },
  {
    name: "a name in other letters",
    before: app,
    edit: (lw) => renameSync(at(lw, "src/lib/a"), at(lw, "src/lib/A")),
    steps: [/^file "src\/lib\/a" was renamed to "src\/lib\/A"$/],
  },
  {
    name: "a directory is renamed",
    before: app,
    edit: (lw) => renameSync(at(lw, "src/lib"), at(lw, "src/bin")),
    steps: [/^directory "src\/bin" is new; 5 other files differ$/],
  },
  {
    name: "a file becomes a directory",
    before: app,
    edit: (lw) => {
      rmSync(at(lw, "src/main"));
      mkdirSync(at(lw, "src/main"), { mode: 0o755 });
    },
    steps: [/^directory "src\/main": file → directory$/],
  },
  {
    name: "a link to a directory becomes the directory",
    before: app,
    edit: (lw) => {
      rmSync(at(lw, "src/link"));
      lw.write({ "src/link/a": "a" });
    },
    steps: [/^directory "src\/link": symlink → directory; 1 other file differs$/],
  },
  {
    name: "two equal files become one of two names",
    before: app,
    edit: (lw) => {
      rmSync(at(lw, "src/twin"));
      linkSync(at(lw, "src/main"), at(lw, "src/twin"));
    },
    steps: [/^link "src\/twin": file → hardlink$/],
  },
  {
    name: "the executable bit of others alone",
    before: app,
    edit: (lw) => chmodSync(at(lw, "src/main"), 0o645),
    steps: [/^file "src\/main": mode 0644 → 0755$/],
  },
  {
    name: "the mode of a directory",
    before: app,
    edit: (lw) => chmodSync(at(lw, "src/lib"), 0o700),
    steps: hit,
  },
  {
    name: "the mode of a directory that the copy keeps",
    before: preserving,
    edit: (lw) => chmodSync(at(lw, "src/lib"), 0o700),
    steps: [/^directory "src\/lib": mode 0755 → 0700$/],
  },
  {
    name: "a set-user-ID bit",
    before: app,
    edit: (lw) => chmodSync(at(lw, "src/main"), 0o4644),
    steps: hit,
  },
  {
    name: "a set-user-ID bit that the copy keeps",
    before: preserving,
    edit: (lw) => chmodSync(at(lw, "src/main"), 0o4644),
    steps: [/^file "src\/main": mode 0644 → 4644$/],
  },
  {
    name: "the owner in the checkout",
    before: preserving,
    edit: (lw) => chownSync(at(lw, "src/main"), 7, 8),
    steps: hit,
    obstacle: notRoot,
  },
  {
    name: "the value of an extended attribute",
    prepare: (lw) => setXattr(lw, "user.lw", "one"),
    before: app,
    edit: (lw) => setXattr(lw, "user.lw", "two"),
    steps: [/^file "src\/main": extended attribute "user.lw" is changed$/],
    obstacle: xattrObstacle(),
  },
  {
    name: "a file that loses its extended attributes",
    prepare: (lw) => setXattr(lw, "user.lw", "one"),
    before: app,
    edit: (lw) => {
      rmSync(at(lw, "src/main"));
      lw.write({ "src/main": FILES["src/main"] });
    },
    steps: [/^file "src\/main": extended attribute "user.lw" is gone$/],
    obstacle: xattrObstacle(),
  },
  {
    name: "an extended attribute that belongs to the machine",
    before: app,
    edit: (lw) => setXattr(lw, "trusted.lw", "one"),
    steps: hit,
    obstacle: notRoot ?? xattrObstacle(),
  },

  // Ignore rules.
  {
    name: "a comment in the ignore file",
    prepare: (lw) => lw.write({ ".dockerignore": "readme\n" }),
    before: app,
    edit: (lw) => lw.write({ ".dockerignore": "# why\n\nreadme\n" }),
    steps: hit,
  },
  {
    name: "an ignore rule and its exception",
    before: app,
    edit: (lw) => lw.write({ ".dockerignore": "src/lib/*\n!src/lib/a\n!src/lib/b\n" }),
    steps: hit,
  },
  {
    name: "an ignore rule that no longer hides a file",
    prepare: (lw) => lw.write({ ".dockerignore": "src/main\n" }),
    before: app,
    edit: (lw) => rmSync(at(lw, ".dockerignore")),
    steps: [/^file "src\/main" is new$/],
  },
  {
    name: "the ignore file where it is copied itself",
    prepare: (lw) => lw.write({ ".dockerignore": "readme\n" }),
    before: scratch.copy(".", "/srv/"),
    edit: (lw) => lw.write({ ".dockerignore": "# why\nreadme\n" }),
    steps: [/^file ".dockerignore": content changed \(7 → 13 bytes\)$/],
  },

  // Other words for the same.
  {
    name: "other words for a source",
    before: app,
    after: scratch.copy("./src/", "/srv/"),
    steps: hit,
  },
  { name: "a wildcard for a source", before: app, after: scratch.copy("s*c", "/srv/"), steps: hit },
  {
    name: "other words for a destination",
    before: app,
    after: scratch.copy("src", "/opt/../srv/./"),
    steps: hit,
  },
  {
    name: "other words for a mode",
    before: scratch.copy("src/main", "/m", { mode: "0640" }),
    after: scratch.copy("src/main", "/m", { mode: "u=rw,g=r,o=" }),
    steps: hit,
  },
  {
    name: "other words for an owner",
    before: scratch.copy("src", "/srv/", { owner: "5" }),
    after: scratch.copy("src", "/srv/", { owner: { user: 5, group: 5 } }),
    steps: hit,
  },
  {
    name: "times are kept from now on",
    before: app,
    after: scratch.copy("src", "/srv/", { keepTimes: true }),
    steps: [/^directory "src\/lib": modification time none → .*; 5 other files differ$/],
  },
  {
    name: "name of an inline file in a directory",
    before: scratch.copy(inlineFile("a.conf", "one\n"), "/etc/"),
    after: scratch.copy(inlineFile("b.conf", "one\n"), "/etc/"),
    steps: [/^file "a.conf" was renamed to "b.conf"$/],
  },

  // Other steps, and stages.
  {
    name: "two copies change places",
    before: scratch.copy("src", "/srv/").copy("readme", "/readme"),
    after: scratch.copy("readme", "/readme").copy("src", "/srv/"),
    steps: ["hit", "hit"],
  },
  {
    name: "a stage gets a file that is not copied from it",
    before: scratch.as("one").copy("src", "/s/").copy("readme", "/r").from("scratch").copy(
      "/s",
      "/",
      {
        from: "one",
      },
    ),
    edit: (lw) => lw.write({ readme: "other" }),
    steps: ["hit", /^file "readme": content changed/, "hit"],
  },
  {
    name: "a stage makes the same files in another way",
    before: scratch.as("one").copy("src/lib", "/s/").from("scratch").copy("/s", "/", {
      from: "one",
    }),
    after: scratch.as("one").copy("src/lib/a", "/s/").copy("src/lib/b", "/s/").from("scratch")
      .copy("/s", "/", { from: "one" }),
    steps: [/./, /./, "hit"],
  },
  {
    name: "the same file from a stage that came from the context",
    before: scratch.copy("readme", "/"),
    after: scratch.as("one").copy("readme", "/").from("scratch").copy("/readme", "/", {
      from: "one",
    }),
    steps: ["hit", "hit"],
  },

  // The build.
  { name: "paranoid", before: app, options: { paranoid: true }, steps: hit },
  { name: "annotations", before: app, options: { annotations: { a: "b" } }, steps: hit },
];

for (const change of CHANGES) testCacheChange({ files: FILES, ...change });
