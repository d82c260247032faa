import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runRecorded, ScriptedEngine } from "../../../support/recorded_cli.ts";
import { runtimeCommands } from "../../../support/runtimes.ts";
import { temporaryDirectory } from "../../../support/temporary_directory.ts";

const here = { workingDirectory: "/" };

test("doctor says first what steps run with, then what was found and what to do", async () => {
  const engine = new ScriptedEngine();
  engine.probed = {
    ...engine.probed,
    chosen: "util",
    executors: [
      {
        ...{ name: "oci", usable: false },
        findings: [{ name: "crun", found: false, detail: "no crun on PATH", fix: "install crun" }],
      },
      { name: "util", usable: true, findings: [{ name: "unshare", found: true, detail: "2.38" }] },
    ],
  };
  const { code, stdout, stderr } = await runRecorded(["doctor"], engine, here);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual(stdout.split("\n").slice(0, -2), [
    'Steps run with the executor "util"',
    "",
    "oci: cannot run steps",
    "  crun: no: no crun on PATH",
    "    fix: install crun",
    "",
    "util: works, and is taken",
    "  unshare: 2.38",
    "",
    "  store: /home/lw (ext4)",
  ]);
  assert.match(stdout, / {2}layerwright: \d\S* on (bun|deno) \d\S*, Linux/);
});

test("doctor ends with 1 when nothing can run a step", async () => {
  const engine = new ScriptedEngine();
  const { code, stdout } = await runRecorded(["doctor"], engine, here);
  assert.equal(code, 1);
  assert.match(stdout, /^No step can run here; /);
  const asJson = await runRecorded(["doctor", "--json"], engine, here);
  assert.equal(asJson.code, 1);
  const { chosen, store, system } = JSON.parse(asJson.stdout);
  assert.deepEqual([chosen, store.home], [null, "/home/lw"]);
  assert.match(system.runtime, /^(bun|deno) \d/);
});

test("doctor looks at this machine, on every runtime", () => {
  using home = temporaryDirectory();
  const main = fileURLToPath(new URL("../../../../bin/main.ts", import.meta.url));
  const answers = runtimeCommands(main).map(([program = "", ...args]) => {
    const env = { ...process.env, LAYERWRIGHT_HOME: home.path, LAYERWRIGHT_REMOTE: "" };
    const doctor = spawnSync(program, [...args, "doctor", "--json"], { encoding: "utf8", env });
    assert.equal(doctor.stderr, "", program);
    const { chosen, executors, store } = JSON.parse(doctor.stdout);
    assert.equal(doctor.status, chosen === null ? 1 : 0);
    assert.deepEqual(executors.map(({ name }: { name: string }) => name), [
      "remote",
      "oci",
      "util",
    ]);
    assert.equal(store.home, home.path);
    return chosen;
  });
  assert.equal(new Set(answers).size, 1);
});
