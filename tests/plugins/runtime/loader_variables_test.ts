import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { splitLoaderVariables } from "../../../plugins/runtime/loader_variables.ts";
import { programPath } from "../../support/program_path.ts";

const needs = programPath("bash") === undefined ? "needs bash" : undefined;
const SCRIPT = 'while [ "$1" != -- ]; do shift; done; echo "$2"';

/** What bash prints for a script like those that lead to a step: on many machines it is sh(1). */
function printedWith(variables: readonly string[]): string {
  const { stdout, stderr } = spawnSync(
    "bash",
    ["--posix", "-c", SCRIPT, "sh", "--", "script"],
    { env: environmentOf(variables), encoding: "utf8" },
  );
  return stdout + stderr;
}

function environmentOf(variables: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    ["PATH=/usr/bin:/bin", ...variables].map((one): [string, string] => {
      const equals = one.indexOf("=");
      return [one.slice(0, equals), one.slice(equals + 1)];
    }),
  );
}

test(
  `splitLoaderVariables() leaves no variable plain that steers a shell${
    needs === undefined ? "" : ` (${needs})`
  }`,
  { skip: needs ?? false },
  () => {
    const steering = [
      "BASH_FUNC_echo%%=() { printf 'harm\\n'; }",
      "SHELLOPTS=xtrace",
    ];
    for (const variable of steering) {
      assert.notEqual(printedWith([variable]), "script\n");
      assert.equal(printedWith(splitLoaderVariables([variable]).plain), "script\n");
    }
  },
);
