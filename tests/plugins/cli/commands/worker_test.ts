import assert from "node:assert/strict";
import { test } from "node:test";
import { runRecorded, ScriptedEngine } from "../../../support/recorded_cli.ts";

test("worker gives standard input and output to the engine", async () => {
  const { code, stdout } = await runRecorded(["worker"], new ScriptedEngine(), {
    workingDirectory: "/",
    stdin: '{"type":"open"}\n',
  });
  assert.deepEqual([code, stdout], [0, '{"type":"open"}\n']);
});

test("worker refuses privileges that no step can be given", async () => {
  const { code, stderr } = await runRecorded(
    ["worker", "--allow", "security.insecur"],
    new ScriptedEngine(),
    { workingDirectory: "/", stdin: "" },
  );
  assert.equal(code, 1);
  assert.match(stderr, /^OPTION_INVALID: .*did you mean "security.insecure"/);
});

test("worker refuses a terminal, and says who is to start it", async () => {
  for (
    const surroundings of [{ stdin: "", stdinIsTty: true }, { stdin: "", stdoutIsTty: true }, {}]
  ) {
    const { code, stderr } = await runRecorded(["worker"], new ScriptedEngine(), {
      workingDirectory: "/",
      ...surroundings,
    });
    assert.equal(code, 1);
    assert.match(stderr, /^OPTION_INVALID: .*\n {2}fix: .*LAYERWRIGHT_REMOTE=/);
  }
});
