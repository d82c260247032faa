/** Which executor ran a step, on which runtime, as whom, is in no key: all have to give the same bytes. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { executorLadder } from "../../plugins/runtime/mod.ts";
import { asUser, cannotBecomeUser } from "../support/as_user.ts";
import { surroundingsOf } from "../support/executor_surroundings.ts";
import { runtimeCommands } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const scenario = fileURLToPath(new URL("../support/executor_scenario.ts", import.meta.url));
const reasons = await Promise.all(
  executorLadder().map(async (executor) => (await surroundingsOf(executor)).skip),
);
const skip = reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined;
const name =
  "all executors give the same layers, on each runtime, as root and as a user, under any umask";

test(
  skip === undefined ? name : `${name} (${skip})`,
  { skip: skip ?? false, timeout: 120_000 },
  () => {
    using home = temporaryDirectory();
    const seen = new Map<string, string[]>();
    const [here, ...others] = runtimeCommands(scenario).map((
      command,
    ) => ["sh", "-c", 'umask "$0"; exec "$@"', "000", ...command]);
    const commands = [
      ...here === undefined ? [] : [here.with(3, "077")],
      ...others,
      ...here === undefined || cannotBecomeUser !== undefined ? [] : [asUser(here, home.path)],
    ];
    for (const [program = "", ...args] of commands) {
      for (const line of execFileSync(program, args, { encoding: "utf8" }).trim().split("\n")) {
        const space = line.indexOf(" ");
        const digests = line.slice(space + 1);
        seen.set(digests, [...seen.get(digests) ?? [], `${program} ${line.slice(0, space)}`]);
      }
    }
    assert.equal(seen.size, 1, JSON.stringify([...seen], null, 2));
  },
);
