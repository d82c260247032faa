import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { runtimeCommands } from "../../support/runtimes.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const core = new URL("../../../core/mod.ts", import.meta.url).href;
const fixture = fileURLToPath(new URL("./fixtures/waiting_build.ts", import.meta.url));

/** Starts a build that waits; resolves to its output once it does. */
async function waiting(
  argv: readonly string[],
  obedience: "obey" | "ignore",
  directory: string,
): Promise<{ child: ChildProcess; until(text: string): Promise<string> }> {
  writeFileSync(
    join(directory, "layerwright.ts"),
    `import { image } from ${JSON.stringify(core)};\nexport default image("a").from("scratch");\n`,
  );
  const [program = "", ...args] = argv;
  const child = spawn(program, [...args, obedience, "build", directory], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  let stderr = "";
  let wake = (): void => {};
  child.stderr?.on("data", (data) => {
    stderr += String(data);
    wake();
  });
  child.on("close", () => wake());
  const until = async (text: string): Promise<string> => {
    while (!stderr.includes(text)) {
      if (child.exitCode !== null || child.signalCode !== null) {
        assert.fail(`ended without ${text}: ${stderr}`);
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return stderr;
  };
  await until("waiting");
  return { child, until };
}

/** Not `child.kill()`: under Deno a child that caught that signal still counts as ended by it. */
function sendSignal(child: ChildProcess, signal: "SIGINT" | "SIGTERM"): void {
  assert.ok(child.pid !== undefined);
  process.kill(child.pid, signal);
}

test("runMain() aborts the build at the first signal and exits with 128 and its number", async () => {
  using directory = temporaryDirectory();
  for (const argv of runtimeCommands(fixture)) {
    for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
      const { child, until } = await waiting(argv, "obey", directory.path);
      sendSignal(child, signal);
      const [exitCode] = await once(child, "close");
      assert.equal(exitCode, code, argv.join(" "));
      assert.match(await until("BUILD_CANCELLED"), /Cannot finish the build/);
    }
  }
});

test("runMain() leaves the second signal to the system", async () => {
  using directory = temporaryDirectory();
  for (const argv of runtimeCommands(fixture)) {
    const { child, until } = await waiting(argv, "ignore", directory.path);
    sendSignal(child, "SIGINT");
    await until("aborted");
    sendSignal(child, "SIGINT");
    const [, signal] = await once(child, "close");
    assert.equal(signal, "SIGINT", argv.join(" "));
  }
});

const full = existsSync("/dev/full");

test(
  "runMain() fails when its result cannot be written (needs /dev/full)",
  { skip: full ? false : "needs /dev/full" },
  () => {
    for (const [program = "", ...args] of runtimeCommands(fixture)) {
      const stdout = openSync("/dev/full", "w");
      const { status, stderr } = spawnSync(program, [...args, "obey", "version"], {
        stdio: ["ignore", stdout, "pipe"],
        encoding: "utf8",
      });
      closeSync(stdout);
      assert.deepEqual([status, stderr], [
        1,
        "EXPORT_FAILED: Cannot write to standard output: ENOSPC\n",
      ], program);
    }
  },
);
