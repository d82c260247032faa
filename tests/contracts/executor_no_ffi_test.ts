/** The contract of executors where the C library cannot be called. */
import { test } from "node:test";
import { host } from "../../core/host/mod.ts";
import { SYSTEM_TOOLS } from "../../plugins/runtime/system_tools.ts";
import { startChild } from "../support/child.ts";
import { contractCommand } from "../support/contract_as_user.ts";
import { programPath } from "../support/program_path.ts";

const missing = Object.keys(SYSTEM_TOOLS).filter((name) => programPath(name) === undefined);
const reason = missing.length === 0 ? undefined : `needs ${missing.join(", ")}`;

// Programs are as slow on either runtime: the second executor under Bun only.
const files = ["executor_oci_test.ts", ...host.runtime === "bun" ? ["executor_util_test.ts"] : []];
for (const file of files) {
  const name = `${file} passes without FFI${reason === undefined ? "" : ` (${reason})`}`;
  test(name, { skip: reason ?? false, timeout: 120_000 }, async () => {
    await using child = startChild(["env", "LAYERWRIGHT_FFI=off", ...contractCommand(file)]);
    await child.succeeded();
  });
}
