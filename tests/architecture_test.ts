/** The data flows one way: who may import whom, checked by reading the imports of every file. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import {
  importedFile,
  importsOf,
  projectRoot as root,
  sourceFiles,
} from "./support/module_imports.ts";

/** Imports of project files, as paths from the root. */
function projectImports(path: string): { readonly target: string; readonly typeOnly: boolean }[] {
  return importsOf(path).flatMap((found) => {
    const target = importedFile(path, found);
    return target === undefined ? [] : [{ target, typeOnly: found.typeOnly }];
  });
}

const core = sourceFiles(join(root, "core"));
const plugins = sourceFiles(join(root, "plugins"));
const recipes = sourceFiles(join(root, "recipes"));

test("core imports no plugin", () => {
  for (const path of core) {
    for (const { target } of projectImports(path)) {
      assert.ok(target.startsWith("core/"), `${relative(root, path)} imports ${target}`);
    }
  }
});

/** All but the first are for processes that must start fast. */
const PLUGIN_ENTRIES = [
  "core/mod.ts",
  "core/errors.ts",
  "core/version.ts",
  "core/host/mod.ts",
  "core/layer/mod.ts",
  "core/store/process_token.ts",
];

test("a plugin imports core's entries and its own files only", () => {
  for (const path of plugins) {
    const own = relative(root, path).split("/").slice(0, 2).join("/");
    for (const { target } of projectImports(path)) {
      assert.ok(
        PLUGIN_ENTRIES.includes(target) || target.startsWith(`${own}/`),
        `${relative(root, path)} imports ${target}`,
      );
    }
  }
});

test("a recipe imports mod.ts and its own files only", () => {
  for (const path of recipes) {
    for (const { target } of projectImports(path)) {
      assert.ok(
        target === "mod.ts" || target.startsWith("recipes/"),
        `${relative(root, path)} imports ${target}`,
      );
    }
  }
});

test("only core/host names Bun or Deno", () => {
  for (const path of [...core, ...plugins]) {
    if (relative(root, path).startsWith("core/host/")) continue;
    const code = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\//g, "").replace(
      /\/\/.*$/gm,
      "",
    )
      .replace(/(["'`])(?:\\.|(?!\1)[^\\])*\1/g, '""');
    assert.doesNotMatch(code, /\b(?:Bun|Deno)\s*[.[]/, relative(root, path));
    assert.ok(
      !importsOf(path).some(({ specifier }) => specifier.startsWith("bun:") || specifier === "bun"),
      relative(root, path),
    );
  }
});

test("dsl, graph and oci do no I/O and read no clock, environment or random source", () => {
  // node:crypto hashes, node:path and node:url take names apart: pure functions all.
  const pure = new Set(["node:buffer", "node:crypto", "node:path", "node:url", "valibot"]);
  for (const path of core) {
    const name = relative(root, path);
    if (!/^core\/(dsl|graph|oci)\//.test(name)) continue;
    for (const { specifier, typeOnly } of importsOf(path)) {
      assert.ok(
        typeOnly || specifier.startsWith(".") || pure.has(specifier),
        `${name} imports ${specifier}`,
      );
    }
    const code = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\//g, "").replace(
      /\/\/.*$/gm,
      "",
    );
    assert.doesNotMatch(
      code,
      /\bDate\.now\(|new Date\(\)|Math\.random\(|process\.(?:env|cwd)\b/,
      name,
    );
  }
});

const BELOW_EXECUTE = ["solve", "graph", "context", "layer", "store", "transfer", "oci", "host"];

/** Which folders of core a folder may import; type imports are free, since they carry no behaviour. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  oci: ["oci"],
  graph: ["graph", "oci"],
  dsl: ["dsl", "graph", "oci"],
  host: ["host"],
  layer: ["layer", "oci", "host"],
  context: ["context", "layer", "oci", "host"],
  store: ["store", "oci", "host", "layer"],
  transfer: ["transfer", "store", "layer", "oci", "host"],
  solve: ["solve", "graph", "oci"],
  execute: ["execute", ...BELOW_EXECUTE],
  // What makes, keeps and looks after builds; only core's entries know all of them.
  records: ["records", "execute", ...BELOW_EXECUTE],
  build: ["build", "records", "execute", ...BELOW_EXECUTE],
  unchanged: ["unchanged", "build", ...BELOW_EXECUTE],
  past: ["past", "build", "execute", ...BELOW_EXECUTE],
  verify: ["verify", "build", "execute", ...BELOW_EXECUTE],
  upkeep: ["upkeep", "execute", ...BELOW_EXECUTE],
};

/** Files that are in none of those folders; another one needs a reason. */
const entries = [
  ...["build.ts", "engine.ts", "mod.ts", "on_demand.ts", "plugin.ts"],
  ...["errors.ts", "nearest_name.ts", "version.ts"],
];

test("every file of core is in a folder whose imports are known, or an entry", () => {
  for (const path of core) {
    const [folder = "", below] = relative(join(root, "core"), path).split("/");
    assert.ok((below === undefined ? entries : Object.keys(allowed)).includes(folder), path);
  }
});

/** Pure functions, in the way that loads fastest on each runtime: open to every folder. */
const pureHostFiles = ["core/host/sha256.ts", "core/host/file_url.ts"];

test("inside core every import follows the arrows, and there is no cycle", () => {
  const edges = new Map<string, string[]>();
  for (const path of core) {
    const name = relative(root, path);
    const [, folder = ""] = name.split("/");
    const targets = projectImports(path).filter(({ typeOnly }) => !typeOnly).map(({ target }) =>
      target
    );
    edges.set(name, targets);
    if (name.split("/").length < 3) continue;
    for (const target of targets) {
      const [, other = "", below] = target.split("/");
      if (below === undefined) {
        assert.ok(
          ["core/errors.ts", "core/nearest_name.ts"].includes(target),
          `${name} imports ${target}`,
        );
      } else if (pureHostFiles.includes(target)) continue;
      else assert.ok(allowed[folder]?.includes(other) === true, `${name} imports ${target}`);
    }
  }
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): void => {
    assert.ok(!trail.includes(name), `cycle: ${[...trail, name].join(" → ")}`);
    if (done.has(name)) return;
    for (const target of edges.get(name) ?? []) visit(target, [...trail, name]);
    done.add(name);
  };
  for (const name of edges.keys()) visit(name, []);
});

test("no file is over 500 lines, and none is named for nothing", () => {
  for (const path of [...core, ...plugins, ...recipes, ...sourceFiles(join(root, "tests"))]) {
    const name = relative(root, path);
    const generated = readFileSync(path, "utf8").startsWith("// deno-fmt-ignore-file");
    const lines = readFileSync(path, "utf8").split("\n").length;
    assert.ok(generated || lines <= 500, `${name} has ${lines} lines`);
    // "util" is the name of an executor, after util-linux.
    assert.doesNotMatch(name, /(?:^|[/_])(?:utils?(?!_)|helpers?|common|misc)(?:[._]|\/|$)/, name);
  }
});

test("every folder of core and plugins says what belongs in it", () => {
  for (const folder of new Set([...core, ...plugins].map((path) => dirname(path)))) {
    if (!/^(core|plugins)\//.test(relative(root, folder))) continue;
    assert.ok(
      readdirSync(folder).includes("README.md"),
      `${relative(root, folder)} has no README.md`,
    );
  }
});
