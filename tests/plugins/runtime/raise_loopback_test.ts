import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { host } from "../../../core/host/mod.ts";
import { programPath } from "../../support/program_path.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const unshare = programPath("unshare") ?? "unshare";
const namespaces = ["--user", "--map-root-user", "--net"];
const reason = spawnSync(unshare, [...namespaces, "true"]).status !== 0
  ? "needs user namespaces"
  : host.systemCalls() === undefined
  ? "needs FFI"
  : undefined;

test(
  `raiseLoopback() needs no program${reason === undefined ? "" : ` (${reason})`}`,
  { skip: reason ?? false },
  () => {
    using directory = temporaryDirectory();
    const script = join(directory.path, "raise.ts");
    const module = new URL("../../../plugins/runtime/raise_loopback.ts", import.meta.url).href;
    writeFileSync(
      script,
      `import { raiseLoopback } from ${JSON.stringify(module)};
import { readFileSync } from "node:fs";
const addresses = () => readFileSync("/proc/net/if_inet6", "utf8").trim();
const before = addresses();
raiseLoopback();
console.log(JSON.stringify([before, addresses().split(/ +/).at(-1)]));
`,
    );
    const { stdout, stderr } = spawnSync(unshare, [...namespaces, ...host.selfCommand(script)], {
      encoding: "utf8",
      env: { ...process.env, PATH: "/nonexistent" },
    });
    assert.equal(stdout, `["","lo"]\n`, stderr);
  },
);
