import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { image } from "../../../core/mod.ts";
import { engineOnDemand } from "../../../plugins/cli/engine_on_demand.ts";
import { builtImageId, ScriptedEngine } from "../../support/recorded_cli.ts";
import { runtimeCommands } from "../../support/runtimes.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const app = image("app").from("scratch").env("A", "1");

test("engineOnDemand() loads its engine for a verb, not before, and passes all on", async () => {
  const scripted = new ScriptedEngine();
  let loads = 0;
  const engine = engineOnDemand(() => {
    loads += 1;
    return Promise.resolve(scripted);
  });
  assert.equal(loads, 0);
  assert.equal((await engine.build(app, { tags: ["app:1"] })).imageId, builtImageId);
  assert.equal(await engine.plan(app, { noCache: true }), scripted.planned);
  assert.equal(await engine.explain(app, { paranoid: true }), scripted.explained);
  assert.equal(await engine.graph(app, { target: "a" }), scripted.compiled);
  assert.equal(loads, 4);
  assert.deepEqual(scripted.calls, [
    { verb: "build", image: app, options: { tags: ["app:1"] } },
    { verb: "plan", image: app, options: { noCache: true } },
    { verb: "explain", image: app, options: { paranoid: true } },
    { verb: "graph", image: app, options: { target: "a" } },
  ]);
});

test("engineOnDemand() fails as its engine does", async () => {
  const engine = engineOnDemand(() => Promise.reject(new Error("no engine")));
  await assert.rejects(async () => await engine.graph(app), { message: "no engine" });
});

test("bin/main.ts runs verbs on the default engine, on every runtime", () => {
  using directory = temporaryDirectory();
  const mod = new URL("../../../mod.ts", import.meta.url).href;
  writeFileSync(
    join(directory.path, "layerwright.ts"),
    `import { image } from ${
      JSON.stringify(mod)
    };\nexport default image("a").from("scratch").env("A", "1");\n`,
  );
  const main = fileURLToPath(new URL("../../../bin/main.ts", import.meta.url));
  const graphs = runtimeCommands(main).map(([program = "", ...args]) => {
    const run = (...argv: string[]): ReturnType<typeof spawnSync> =>
      spawnSync(program, [...args, ...argv], { cwd: directory.path, encoding: "utf8" });
    const { status, stdout, stderr } = run("graph");
    assert.deepEqual([status, stderr], [0, ""], program);
    assert.equal(run("biuld").status, 1);
    assert.match(String(run("version").stdout), /^layerwright \d/);
    // Columns of call sites differ between runtimes, the vertices must not.
    return JSON.parse(String(stdout)).vertices;
  });
  for (const vertices of graphs) assert.deepEqual(vertices, graphs[0]);
});
