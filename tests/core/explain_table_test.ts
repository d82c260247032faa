/**
 * What the cache makes of single changes: each is a hit where it cannot matter, and where it can, a miss that names it.
 * Steps that run programs are in explain_run_table_test.ts. Long because it is one table.
 */
import assert from "node:assert/strict";
import {
  chmodSync,
  cpSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { host } from "../../core/host/mod.ts";
import { type AnyImage, image, inlineFile } from "../../mod.ts";
import { type CacheChange, testCacheChange } from "../support/cache_change.ts";
import { type TempEngine, tempEngine } from "../support/temp_engine.ts";
import { xattrObstacle } from "../support/xattr_obstacle.ts";

const FILES = {
  "src/main": { text: "main\n", mode: 0o644 },
  "src/lib/a": "a",
  "src/link": { link: "main" },
  "readme": "read me",
  "passwd": "web:x:33:33::/:\nops:x:7:7::/:\n",
} as const;

const scratch = image().from("scratch");
const app = scratch.copy("src", "/srv/");
const main = (lw: TempEngine): string => join(lw.context, "src/main");
const named = scratch.copy("passwd", "/etc/passwd").copy("src", "/srv/", { owner: "web" });
const onto = scratch.copy("src", "/srv/").copy("readme", "/srv/");
const kept = scratch.copy("src", "/srv/", { keepTimes: true });
const onBase = image().from("base:1").copy("src", "/srv/");

const base = (build: (start: typeof scratch) => AnyImage): NonNullable<CacheChange["base"]> => ({
  tag: "base:1",
  image: build(scratch),
});
const rebase = (change: AnyImage) => async (lw: TempEngine): Promise<void> => {
  await lw.build(change, { tags: ["base:1"] });
};

const hit = ["hit"] as const;
const CHANGES: readonly CacheChange[] = [
  { name: "no change", before: app, steps: hit },

  // Files of the context.
  {
    name: "content of a file",
    before: app,
    edit: (lw) => writeFileSync(main(lw), "other\n"),
    steps: [/^file "src\/main": content changed \(5 → 6 bytes\)$/],
  },
  {
    name: "content of the same size at the same modification time",
    before: app,
    edit: (lw) => {
      const { atime, mtime } = statSync(main(lw));
      writeFileSync(main(lw), "niam\n");
      utimesSync(main(lw), atime, mtime);
    },
    steps: [/^file "src\/main": content changed \(5 bytes as before\)$/],
  },
  {
    name: "content of two files",
    before: app,
    edit: (lw) => lw.write({ "src/main": "x", "src/lib/a": "y" }),
    steps: [/^file "src\/lib\/a": content changed .*; 1 other file differs$/],
  },
  {
    name: "executable bit",
    before: app,
    edit: (lw) => chmodSync(main(lw), 0o755),
    steps: [/^file "src\/main": mode 0644 → 0755$/],
  },
  {
    name: "another mode bit, which a copy does not keep",
    before: app,
    edit: (lw) => chmodSync(main(lw), 0o600),
    steps: hit,
  },
  {
    name: "another mode bit that the copy keeps",
    before: scratch.copy("src", "/srv/", { mode: "preserve" }),
    edit: (lw) => chmodSync(main(lw), 0o600),
    steps: [/^file "src\/main": mode 0644 → 0600$/],
  },
  {
    name: "umask of the checkout",
    before: app,
    edit: (lw) => {
      chmodSync(main(lw), 0o664);
      chmodSync(join(lw.context, "src/lib"), 0o775);
    },
    steps: hit,
  },
  {
    name: "target of a symbolic link",
    before: app,
    edit: (lw) => {
      rmSync(join(lw.context, "src/link"));
      symlinkSync("lib/a", join(lw.context, "src/link"));
    },
    steps: [/^link "src\/link": target changed: "main" → "lib\/a"$/],
  },
  {
    name: "a file becomes a link",
    before: app,
    edit: (lw) => {
      rmSync(main(lw));
      symlinkSync("lib/a", main(lw));
    },
    steps: [/^link "src\/main": file → symlink$/],
  },
  {
    name: "a file is renamed",
    before: app,
    edit: (lw) => renameSync(main(lw), join(lw.context, "src/start")),
    steps: [/^file "src\/main" was renamed to "src\/start"$/],
  },
  {
    name: "a file is added",
    before: app,
    edit: (lw) => lw.write({ "src/new": "new" }),
    steps: [/^file "src\/new" is new$/],
  },
  {
    name: "an empty directory is added",
    before: app,
    edit: (lw) =>
      cpSync(join(lw.context, "src/lib"), join(lw.context, "src/more"), {
        recursive: true,
        filter: (path) => !path.endsWith("/a"),
      }),
    steps: [/^directory "src\/more" is new$/],
  },
  {
    name: "a file is deleted",
    before: app,
    edit: (lw) => rmSync(main(lw)),
    steps: [/^file "src\/main" is gone$/],
  },
  {
    name: "a file that no step copies",
    before: app,
    edit: (lw) => lw.write({ readme: "other" }),
    steps: hit,
  },
  {
    name: "an ignore rule that hides a copied file",
    before: app,
    edit: (lw) => lw.write({ ".dockerignore": "src/main\n" }),
    steps: [/^file "src\/main" is gone$/],
  },
  {
    name: "an ignore rule that hides a file no step copies",
    before: app,
    edit: (lw) => lw.write({ ".dockerignore": "readme\n" }),
    steps: hit,
  },
  {
    name: "modification time",
    before: app,
    edit: (lw) => utimesSync(main(lw), 1e9, 1e9),
    steps: hit,
  },
  {
    name: "modification time that the copy keeps",
    before: kept,
    firstOptions: { epochSeconds: 4e9 },
    edit: (lw) => utimesSync(main(lw), 1e9, 1e9),
    options: { epochSeconds: 4e9 },
    steps: [/^file "src\/main": modification time .* → 2001-09-09T01:46:40Z$/],
  },
  {
    name: "an extended attribute",
    before: app,
    edit: (lw) => host.systemCalls()?.setXattr(main(lw), "user.lw", new Uint8Array([1])),
    steps: [/^file "src\/main": extended attribute "user.lw" is new$/],
    obstacle: xattrObstacle(),
  },
  {
    name: "another folder of the same content",
    before: app,
    edit: (lw) => {
      const copy = `${lw.context}-2`;
      cpSync(lw.context, copy, { recursive: true, verbatimSymlinks: true });
    },
    options: (lw) => ({ contextDirectory: `${lw.context}-2` }),
    steps: hit,
  },

  // What the image says, and what a copy has no part in.
  {
    name: "value of ENV",
    before: scratch.env("A", "1").copy("src", "/srv/"),
    after: scratch.env("A", "2").copy("src", "/srv/"),
    steps: hit,
  },
  {
    name: "value of ARG",
    before: scratch.arg("A").copy("src", "/srv/"),
    firstOptions: { buildArgs: { A: "1" } },
    options: { buildArgs: { A: "2" } },
    steps: hit,
  },
  { name: "a label", before: app, after: app.label("a", "b"), steps: hit },
  { name: "a label given to the build", before: app, options: { labels: { a: "b" } }, steps: hit },
  {
    name: "a label that is a comment",
    before: scratch.label("org.opencontainers.image.description", "one").copy("src", "/srv/"),
    after: scratch.label("org.opencontainers.image.description", "two").copy("src", "/srv/"),
    steps: hit,
  },
  { name: "cmd, entrypoint, ports", before: app, after: app.cmd("x").expose(80), steps: hit },
  { name: "user", before: app, after: scratch.user("7").copy("src", "/srv/"), steps: hit },
  {
    name: "a config step inserted above",
    before: app,
    after: scratch.env("A", "1").label("a", "b").copy("src", "/srv/"),
    steps: hit,
  },
  {
    name: "a stage is renamed",
    before: scratch.as("one").copy("src", "/srv/").from("scratch").copy("/srv", "/", {
      from: "one",
    }),
    after: scratch.as("two").copy("src", "/srv/").from("scratch").copy("/srv", "/", {
      from: "two",
    }),
    steps: ["hit", "hit"],
  },
  { name: "platform", before: app, options: { platform: "linux/s390x" }, steps: hit },

  // The base.
  {
    name: "the base image changes where the copy does not look",
    base: base((start) => start.copy("readme", "/readme")),
    before: onBase,
    edit: rebase(scratch.copy("passwd", "/etc/passwd")),
    steps: hit,
  },
  {
    name: "the base image changes the directory that is copied into",
    base: base((start) => start.copy("src/lib", "/srv", { owner: "1" })),
    before: onBase,
    edit: rebase(scratch.copy("src/lib", "/srv", { owner: "2" })),
    steps: [/^base has another "\/srv": directory 0755 1:1 → directory 0755 2:2$/],
  },
  {
    name: "the base image gets a link in the destination's place",
    base: base((start) => start.copy("src/lib", "/opt")),
    before: onBase,
    edit: async (lw) => {
      lw.write({ "links/srv": { link: "opt" } });
      await rebase(scratch.copy("src/lib", "/opt").copy("links", "/"))(lw);
    },
    steps: [/^base has another "\/srv": nothing → link to "opt"$/],
  },
  {
    name: "the base tag moves to an image of the same files",
    base: base((start) => start.copy("readme", "/readme")),
    before: onBase,
    edit: rebase(scratch.copy("readme", "/readme").label("other", "config")),
    steps: hit,
  },

  // The copy itself.
  {
    name: "destination",
    before: app,
    after: scratch.copy("src", "/opt/"),
    steps: [/^destination changed: "\/srv" → "\/opt"$/],
  },
  {
    name: "working directory above a relative destination",
    before: scratch.workdir("/a").copy("src", "./"),
    after: scratch.workdir("/b").copy("src", "./"),
    steps: [/^mkdir "\/a" changed to mkdir "\/b"$/, /^destination changed: "\/a" → "\/b"$/],
  },
  {
    name: "a slash at the end of the destination",
    before: scratch.copy("src/main", "/srv/x"),
    after: scratch.copy("src/main", "/srv/x/"),
    steps: [/^destination is a directory now: /],
  },
  {
    name: "a second source",
    before: scratch.copy(["readme"], "/srv/"),
    after: scratch.copy(["readme", "src/main"], "/srv/"),
    steps: [/^file "src\/main" is new$/],
  },
  {
    name: "order of sources",
    before: scratch.copy(["readme", "src/main"], "/srv/"),
    after: scratch.copy(["src/main", "readme"], "/srv/"),
    steps: [/^order of sources changed: "readme main" → "main readme"$/],
  },
  {
    name: "owner by number",
    before: app,
    after: scratch.copy("src", "/srv/", { owner: "5:6" }),
    steps: [/^owner changed: 0:0 → 5:6$/],
  },
  {
    name: "owner by name, and its number in the base changes",
    before: named,
    edit: (lw) => lw.write({ passwd: "web:x:34:35::/:\n" }),
    steps: [/^file "passwd": content changed/, /^owner "web" changed: 33:33 → 34:35$/],
  },
  {
    name: "owner by name, and another line of its file changes",
    before: named,
    edit: (lw) => lw.write({ passwd: "web:x:33:33::/:\nops:x:8:8::/:\n" }),
    steps: [/^file "passwd": content changed/, "hit"],
  },
  {
    name: "owner by name becomes the same number",
    before: named,
    after: scratch.copy("passwd", "/etc/passwd").copy("src", "/srv/", { owner: "33:33" }),
    steps: ["hit", "hit"],
  },
  {
    name: "--chmod",
    before: app,
    after: scratch.copy("src", "/srv/", { mode: "go=" }),
    steps: [/^directory "src\/lib": mode 0755 → 0700; 2 other files differ$/],
  },
  {
    name: "--link onto a directory",
    before: onto,
    after: scratch.copy("src", "/srv/").copy("readme", "/srv/", { link: true }),
    steps: ["hit", /^link is on: "\/srv" of the base is no longer looked at$/],
  },
  {
    name: "--link onto nothing",
    before: app,
    after: scratch.copy("src", "/srv/", { link: true }),
    steps: hit,
  },
  {
    name: "--exclude of a copied file",
    before: app,
    after: scratch.copy("src", "/srv/", { exclude: ["main"] }),
    steps: [/^file "src\/main" is gone$/],
  },
  {
    name: "--exclude of nothing",
    before: app,
    after: scratch.copy("src", "/srv/", { exclude: ["*.md"] }),
    steps: hit,
  },
  {
    name: "--parents",
    before: app,
    after: scratch.copy("src", "/srv/", { parents: true }),
    steps: [/^directory "\." is new; 1 other file differs$/],
  },
  {
    name: "--optional",
    before: app,
    after: scratch.copy("src", "/srv/", { optional: true }),
    steps: hit,
  },
  {
    name: "ADD instead of COPY of what is no archive",
    before: app,
    after: scratch.add("src", "/srv/"),
    steps: hit,
  },
  {
    name: "text of an inline file",
    before: scratch.copy(inlineFile("a.conf", "one\n"), "/etc/"),
    after: scratch.copy(inlineFile("a.conf", "three\n"), "/etc/"),
    steps: [/^file "a.conf": content changed \(4 → 6 bytes\)$/],
  },
  {
    name: "user in force at a working directory",
    before: scratch.user("1").workdir("/srv"),
    after: scratch.user("2").workdir("/srv"),
    steps: [/^"\/srv": owner 1:1 → 2:2$/],
  },
  {
    name: "what is squashed",
    before: scratch.copy("readme", "/x").copy("src", "/srv/").squash(),
    edit: (lw) => lw.write({ readme: "other" }),
    steps: [/^file "readme": content changed/, "hit", /^result of the squashed steps changed: /],
  },

  // Steps that move.
  {
    name: "a copy inserted above",
    before: app,
    after: scratch.copy("readme", "/readme").copy("src", "/srv/"),
    steps: [/^no earlier result of this step$/, "hit"],
  },
  {
    name: "a copy removed above, and a file changed",
    before: scratch.copy("readme", "/readme").copy("src", "/srv/"),
    after: app,
    edit: (lw) => lw.write({ "src/main": "x" }),
    steps: [/^file "src\/main": content changed/],
  },
  {
    name: "a stage renamed, and a file changed",
    before: scratch.as("one").copy("src", "/srv/"),
    after: scratch.as("two").copy("src", "/srv/"),
    edit: (lw) => lw.write({ "src/main": "x" }),
    steps: [/^file "src\/main": content changed/],
  },

  // The build.
  {
    name: "epoch",
    before: app,
    options: { epochSeconds: 1 },
    steps: [/^epoch changed: 0 → 1$/],
  },
  {
    name: "compat",
    before: onto,
    edit: async (lw) => {
      using store = await lw.engine.openStore();
      store.database.run(
        "UPDATE cache SET key = 'old ' || key, compat = 0, preimage = json_set(preimage, '$.compat', 0)",
      );
    },
    steps: [/^compat changed: 0 → 1: /, /^compat changed: 0 → 1: /],
  },
  {
    name: "a layer that is gone from the store",
    before: app,
    edit: async (lw) => {
      using store = await lw.engine.openStore();
      const rows = store.database.all("SELECT diff_id FROM layers");
      for (const { diff_id } of rows) await store.blobs.delete(diff_id as never);
      store.database.run("DELETE FROM layers");
    },
    steps: [/^its layer is no longer in the store$/],
  },
  {
    name: "noCache",
    before: app,
    options: { noCache: true },
    steps: [/^the cache is off for this step$/],
  },
  {
    name: "noCacheFilter",
    before: scratch.as("one").copy("src", "/srv/").from("scratch").copy("/srv", "/", {
      from: "one",
    }),
    options: { noCacheFilter: ["one"] },
    steps: [/^the cache is off for this step$/, "hit"],
  },
];

for (const change of CHANGES) testCacheChange({ files: FILES, ...change });

test("explain() says that there is no earlier result before the first build", async () => {
  using lw = tempEngine(FILES);
  const [step] = await lw.engine.explain(app, { contextDirectory: lw.context });
  assert.equal(step?.outcome, "run");
  assert.equal(step?.reason, "no earlier result of this step");
});
