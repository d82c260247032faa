/** What the cache makes of single changes to steps that run programs: see explain_table_test.ts. */
import { cpSync } from "node:fs";
import { bindMount, cacheMount, context, image, tmpfsMount } from "../../mod.ts";
import { busyboxImage, runObstacle } from "../support/busybox_image.ts";
import { type CacheChange, testCacheChange } from "../support/cache_change.ts";
import { tempEngine } from "../support/temp_engine.ts";

const obstacle = await runObstacle();
const base = busyboxImage();
const from = image().from(base);
const app = from.run("echo a > /a");

// Each test begins with a copy of a store that has the base, which takes longer to make than all else.
const store = tempEngine();
if (obstacle === undefined) await store.build(base);
process.once("exit", () => store[Symbol.dispose]());

/** The base: its copy and its own RUN. */
const [found, ran] = ["hit", "hit"] as const;

const CHANGES: readonly CacheChange[] = [
  { name: "no change", before: app, steps: [found, ran, "hit"] },
  {
    name: "command",
    before: app,
    after: from.run("echo b > /a"),
    steps: [found, ran, /^command changed: "echo a > \/a" → "echo b > \/a"$/],
  },
  {
    name: "white space in a command",
    before: app,
    after: from.run("echo  a > /a"),
    steps: [found, ran, /^command changed in white space: /],
  },
  {
    name: "shell form becomes exec form",
    before: app,
    after: from.run(["/bin/sh", "-c", "echo a > /a"]),
    steps: [found, ran, "hit"],
  },
  {
    name: "shell",
    before: app,
    after: from.shell(["/bin/sh", "-ec"]).run("echo a > /a"),
    steps: [found, ran, /^shell changed: /],
  },
  {
    name: "value of ENV",
    before: from.env("MODE", "a").run("true"),
    after: from.env("MODE", "b").run("true"),
    steps: [found, ran, /^ENV MODE changed: "a" → "b"$/],
  },
  {
    name: "name of ENV",
    before: from.env("ONE", "a").run("true"),
    after: from.env("TWO", "a").run("true"),
    steps: [found, ran, /^ENV TWO is new: "a"$/],
  },
  {
    name: "order of ENV",
    before: from.env("ONE", "1").env("TWO", "2").run("true"),
    after: from.env("TWO", "2").env("ONE", "1").run("true"),
    steps: [found, ran, /^order of variables changed: /],
  },
  {
    name: "ENV after the step",
    before: app,
    after: app.env("LATE", "1"),
    steps: [found, ran, "hit"],
  },
  {
    name: "value of a secret-like ENV",
    before: from.env("API_TOKEN", "one").run("true"),
    after: from.env("API_TOKEN", "two").run("true"),
    steps: [found, ran, /^ENV API_TOKEN changed: \(not shown\)$/],
  },
  {
    name: "value of ARG",
    before: from.arg("V").run("true"),
    firstOptions: { buildArgs: { V: "1" } },
    options: { buildArgs: { V: "2" } },
    steps: [found, ran, /^ARG V changed: "1" → "2"$/],
  },
  {
    name: "default of ARG",
    before: from.arg("V", "1").run("true"),
    after: from.arg("V", "2").run("true"),
    steps: [found, ran, /^ARG V changed: "1" → "2"$/],
  },
  {
    name: "default of an ARG that has a value",
    before: from.arg("V", "1").run("true"),
    after: from.arg("V", "2").run("true"),
    firstOptions: { buildArgs: { V: "3" } },
    options: { buildArgs: { V: "3" } },
    steps: [found, ran, "hit"],
  },
  {
    name: "value of an ARG that is declared after the step",
    before: app.arg("V"),
    firstOptions: { buildArgs: { V: "1" } },
    options: { buildArgs: { V: "2" } },
    steps: [found, ran, "hit"],
  },
  {
    name: "environment of one step",
    before: from.run("true", { env: { A: "1" } }),
    after: from.run("true", { env: { A: "2" } }),
    steps: [found, ran, /^ENV A changed: "1" → "2"$/],
  },
  {
    name: "user",
    before: from.run("true"),
    after: from.run("true", { user: "7" }),
    steps: [found, ran, /^user changed: "" → "7"$/],
  },
  {
    name: "working directory of one step",
    before: from.run("true"),
    after: from.run("true", { workdir: "/usr" }),
    steps: [found, ran, /^working directory changed: "\/" → "\/usr"$/],
  },
  {
    name: "network",
    before: from.run("true"),
    after: from.run("true", { network: "none" }),
    steps: [found, ran, /^network changed: "default" → "none"$/],
  },
  {
    name: "network of the build",
    before: from.run("true"),
    options: { network: "none" },
    steps: [found, /^network changed: "default" → "none"$/, "pending"],
  },
  {
    name: "network of the build, for a step that has its own",
    before: from.run("true", { network: "host" }),
    firstOptions: { network: "none" },
    steps: [found, ran, "hit"],
  },
  {
    name: "address of a host",
    before: from.run("true", { hosts: { db: "10.0.0.1" } }),
    after: from.run("true", { hosts: { db: "10.0.0.2" } }),
    steps: [found, ran, /^host db changed: 10\.0\.0\.1 → 10\.0\.0\.2$/],
  },
  {
    name: "host",
    before: from.run("true", { hosts: { a: "::1", b: "::2" } }),
    after: from.run("true", { hosts: { a: "::1" } }),
    steps: [found, ran, /^host b is gone: was ::2$/],
  },
  {
    name: "order of hosts",
    before: from.run("true", { hosts: { a: "::1", b: "::2" } }),
    after: from.run("true", { hosts: { b: "::2", a: "::1" } }),
    steps: [found, ran, /^hosts .*changed/],
  },
  {
    name: "hosts of the build that the step has as its own",
    before: from.run("true", { hosts: { db: "10.0.0.1" } }),
    firstOptions: { hosts: [{ name: "db", address: "10.0.0.3" }] },
    options: { hosts: [{ name: "db", address: "10.0.0.3" }] },
    steps: [found, ran, "hit"],
  },
  {
    name: "hosts of the build",
    before: app,
    options: { hosts: [{ name: "db", address: "10.0.0.3" }] },
    steps: [found, /^host db is new: 10\.0\.0\.3$/, "pending"],
  },
  {
    name: "size of /dev/shm",
    before: from.run("true", { shmSizeBytes: 1 << 20 }),
    after: from.run("true", { shmSizeBytes: 2 << 20 }),
    steps: [found, ran, /^size of \/dev\/shm \(bytes\) changed: 1048576 → 2097152$/],
  },
  {
    name: "ulimit",
    before: from.run("true", { ulimits: { nofile: 100 } }),
    after: from.run("true", { ulimits: { nofile: { soft: 50, hard: 100 } } }),
    steps: [found, ran, /^ulimit nofile changed: 100:100 → 50:100$/],
  },
  {
    name: "ulimit of the build",
    before: app,
    options: { ulimits: [{ name: "core", soft: 0, hard: 0 }] },
    steps: [found, /^ulimit core is new: 0:0$/, "pending"],
  },
  {
    name: "memory, pids and time a step may take",
    before: from.run("true"),
    after: from.run("true", { resources: { memoryBytes: 1 << 30, pids: 500 } }),
    options: { stepTimeoutMs: 60_000, resources: { pids: 400 } },
    steps: [found, ran, "hit"],
  },
  {
    name: "timeout",
    before: from.run("true"),
    after: from.run("true", { timeoutMs: 50_000 }),
    steps: [found, ran, "hit"],
  },
  {
    name: "a label above",
    before: app,
    after: from.label("a", "b").run("echo a > /a"),
    steps: [found, ran, "hit"],
  },
  {
    name: "target of a mount",
    before: from.run("true", { mounts: [tmpfsMount("/one")] }),
    after: from.run("true", { mounts: [tmpfsMount("/two")] }),
    steps: [found, ran, /^tmpfs mount at "\/two" is new$/],
  },
  {
    name: "content of a mount",
    files: { "src/a": "a" },
    before: from.run("cat /m/a", { mounts: [bindMount("/m", { from: context("src") })] }),
    edit: (lw) => lw.write({ "src/a": "b" }),
    steps: [found, ran, /^mount at "\/m": content changed: sha256:\w+… → sha256:\w+…$/],
  },
  {
    name: "id of a cache mount",
    before: from.run("true", { mounts: [cacheMount("/c", { id: "one" })] }),
    after: from.run("true", { mounts: [cacheMount("/c", { id: "two" })] }),
    steps: [found, ran, "hit"],
  },
  {
    name: "content of a file copied before",
    files: { a: "a" },
    before: from.copy("a", "/a").run("cat /a"),
    edit: (lw) => lw.write({ a: "b" }),
    steps: [found, ran, /^file "a": content changed/, /^base changed: sha256:\w+… → sha256:\w+…$/],
  },
  {
    name: "a step inserted above",
    files: { a: "a" },
    before: app,
    after: from.copy("a", "/b").run("echo a > /a"),
    steps: [found, ran, /^no earlier result of this step$/, /^base changed: /],
  },
  {
    name: "a step after one that has to run",
    before: app.run("cat /a"),
    after: from.run("echo b > /a").run("cat /a"),
    steps: [found, ran, /^command changed/, "pending"],
  },
  {
    name: "a step that never uses earlier results",
    before: from.run("true", { cache: "never" }),
    steps: [found, ran, /^its cache policy is "never"$/],
  },
  {
    name: "a result that was kept for a millisecond",
    before: from.run("true", { cache: { ttlMs: 1 } }),
    steps: [found, ran, /^its earlier result is older than 1 ms$/],
  },
  {
    name: "a result that is kept for a day",
    before: from.run("true", { cache: { ttlMs: 86_400_000 } }),
    steps: [found, ran, "hit"],
  },
  {
    name: "a cache policy alone",
    before: from.run("true", { cache: { ttlMs: 86_400_000 } }),
    after: from.run("true"),
    steps: [found, ran, "hit"],
  },
  {
    name: "cache key of the recipe",
    before: from.run("true", { cache: { key: "2026-W48" } }),
    after: from.run("true", { cache: { key: "2026-W49" } }),
    steps: [found, ran, /^cache key changed: "2026-W48" → "2026-W49"$/],
  },
  {
    name: "epoch",
    before: app,
    options: { epochSeconds: 5 },
    steps: [/^epoch changed: 0 → 5$/, /^(?:base|epoch) changed: /, "pending"],
  },
];

for (const change of CHANGES) {
  testCacheChange({
    ...change,
    prepare: (lw) => cpSync(store.home, lw.home, { recursive: true, verbatimSymlinks: true }),
    // Steps that run take most of the time, and what they do is not asked here.
    planOnly: true,
    obstacle,
  });
}
