import assert from "node:assert/strict";
import { test } from "node:test";
import { ULIMITS } from "../../../core/graph/validate_surroundings.ts";
import {
  checkUlimits,
  type LimitsOfProcess,
  limitsOfProcess,
  prlimitFlags,
  runtimeRlimits,
} from "../../../plugins/runtime/ulimits.ts";

const own: LimitsOfProcess = {
  limits: `Limit                     Soft Limit           Hard Limit           Units
Max core file size        0                    unlimited            bytes
Max processes             96365                96365                processes
Max open files            1024                 20000                files
`,
  mayRaise: false,
  maxOpenFiles: 1_048_576,
};
const linux = process.platform === "linux" ? false : "needs Linux";

test("checkUlimits() allows what the kernel does", () => {
  const allowed = [
    { name: "nofile", soft: 1, hard: 20_000 },
    { name: "core", soft: 0, hard: -1 },
    { name: "nproc", soft: 96_365, hard: 96_365 },
  ];
  checkUlimits(allowed, own);
  const raised = [
    { name: "nofile", soft: 1, hard: 1_048_576 },
    { name: "nproc", soft: -1, hard: -1 },
  ];
  checkUlimits(raised, { ...own, mayRaise: true });
});

test("checkUlimits() names the limit and the one in force", () => {
  for (const hard of [20_001, -1]) {
    assert.throws(() => checkUlimits([{ name: "nofile", soft: 1, hard }], own), {
      code: "RUN_UNSUPPORTED",
      message: `Cannot set ulimit "nofile=1:${hard}": the hard limit of this process is 20000`,
      hint: /CAP_SYS_RESOURCE/,
    });
  }
  assert.throws(
    () => checkUlimits([{ name: "nofile", soft: -1, hard: -1 }], { ...own, mayRaise: true }),
    { code: "RUN_UNSUPPORTED", message: /is 1048576$/, hint: /fs\.nr_open/ },
  );
});

test(`limitsOfProcess() knows every limit by name${linux === false ? "" : ` (${linux})`}`, {
  skip: linux,
}, () => {
  const { limits, maxOpenFiles } = limitsOfProcess(true);
  assert.ok(maxOpenFiles > 0);
  // Under any other name a limit would count as none.
  const without = limits.replaceAll("unlimited", "0        ");
  for (const name of ULIMITS) {
    const ulimit = { name, soft: -1, hard: -1 };
    assert.throws(
      () => checkUlimits([ulimit], { limits: without, mayRaise: false, maxOpenFiles }),
      { code: "RUN_UNSUPPORTED" },
      name,
    );
  }
});

test("runtimeRlimits() and prlimitFlags() say the same in other words", () => {
  const ulimits = [
    { name: "nofile", soft: 10, hard: 20 },
    { name: "core", soft: -1, hard: -1 },
  ];
  assert.equal(
    JSON.stringify(runtimeRlimits(ulimits)),
    '[{"type":"RLIMIT_NOFILE","soft":10,"hard":20},' +
      '{"type":"RLIMIT_CORE","soft":18446744073709551615,"hard":18446744073709551615}]',
  );
  assert.deepEqual(prlimitFlags(ulimits), ["--nofile=10:20", "--core=unlimited:unlimited"]);
});
