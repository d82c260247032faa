import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { bootId, bootOf, isProcessGone, processToken } from "../../../core/store/process_token.ts";
import { readFileSync } from "node:fs";

const noProc = bootId() === undefined && "needs Linux";

test("isProcessGone() is false for this process", () => {
  assert.equal(isProcessGone(processToken()), false);
  assert.equal(bootOf(processToken()), bootId());
});

test(
  "isProcessGone() is true for a killed child, also before its parent has noticed (needs Linux)",
  {
    skip: noProc,
  },
  async () => {
    const child = spawn("sleep", ["60"]);
    const pid = child.pid ?? 0;
    const [boot, namespace] = processToken().split("_");
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const token = `${boot}_${namespace}_${pid}_${
      stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]
    }`;
    assert.equal(isProcessGone(token), false);
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    assert.equal(isProcessGone(token), true);
  },
);

test("isProcessGone() is true for another process of the same number (needs Linux)", {
  skip: noProc,
}, () => {
  assert.equal(isProcessGone(processToken().replace(/_\d+$/, "_1")), true);
});

test(
  "isProcessGone() is true for a process of an earlier boot (needs Linux)",
  { skip: noProc },
  () => {
    assert.equal(
      isProcessGone(processToken().replace(/^[^_]+/, "00000000-0000-0000-0000-000000000000")),
      true,
    );
  },
);

test("isProcessGone() does not judge other pid namespaces, nor names that are no tokens", () => {
  const [boot, , pid] = processToken().split("_");
  assert.equal(isProcessGone(`${boot}_1_${pid}_1`), false);
  for (const name of ["", "README", "a_b_c_d", "lost+found", `${boot}_1__`]) {
    assert.equal(isProcessGone(name), false);
  }
});
