/** The contract of executors where the C library cannot be called. */
import { test } from "node:test";
import { SYSTEM_TOOLS } from "../../plugins/runtime/system_tools.ts";
import { startChild } from "../support/child.ts";
import { contractCommand } from "../support/contract_as_user.ts";
import { programPath } from "../support/program_path.ts";

const missing = Object.keys(SYSTEM_TOOLS).filter((name) => programPath(name) === undefined);
const reason = missing.length === 0 ? undefined : `needs ${missing.join(", ")}`;

for (const file of ["executor_oci_test.ts", "executor_util_test.ts"]) {
  const name = `${file} passes without FFI${reason === undefined ? "" : ` (${reason})`}`;
  test(name, { skip: reason ?? false, timeout: 120_000 }, async () => {
    await using child = startChild(["env", "LAYERWRIGHT_FFI=off", ...contractCommand(file)]);
    await child.succeeded();
  });
}
