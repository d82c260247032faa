import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { requireTool, runTool } from "../../../plugins/debian/tools.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const options = { skip: process.platform === "win32" && "needs a POSIX shell", timeout: 30_000 };

test("requireTool() finds a program, or names the package that has it", options, () => {
  assert.match(requireTool("sh", "dash"), /^\/.*\/sh$/);
  assert.throws(() => requireTool("no-such-tool", "its-package"), (error) => {
    assert.match(String(error), /there is no no-such-tool/);
    assert.match((error as { hint: string }).hint, /apt-get install its-package/);
    assert.equal((error as { code: string }).code, "DEBIAN_TOOL_MISSING");
    return true;
  });
});

test("runTool() gives the lines of both outputs and the exit code", options, async () => {
  const seen: string[] = [];
  const { exitCode, lines } = await runTool(["sh", "-c", "echo a; echo b >&2; printf c; exit 3"], {
    onLine: (line) => seen.push(line),
  });
  assert.equal(exitCode, 3);
  assert.deepEqual([...lines].sort(), ["a", "b", "c"]);
  assert.deepEqual(seen, lines);
});

test("runTool() keeps the last lines of an output without an end, cut", options, async () => {
  const { lines } = await runTool(["sh", "-c", "seq 1000; head -c 100000 /dev/zero | tr '\\0' x"]);
  assert.equal(lines.length, 200);
  assert.equal(lines.at(-2), "1000");
  assert.equal(lines.at(-1)?.length, 2000);
});

test("runTool() gives all users the same environment", options, async () => {
  process.env.APT_CONFIG = "/tmp/mine";
  process.env.PERL5LIB = "/tmp/mine";
  try {
    const { lines } = await runTool(["env"], { environment: { SOURCE_DATE_EPOCH: "7" } });
    const names = lines.map((line) => line.replace(/=.*/s, ""));
    const allowed = "PATH LC_ALL TZ TMPDIR SOURCE_DATE_EPOCH http_proxy https_proxy no_proxy PWD _";
    for (const name of names) assert.ok(allowed.split(" ").includes(name), name);
    assert.ok(lines.includes("SOURCE_DATE_EPOCH=7"));
    assert.ok(lines.includes("LC_ALL=C.UTF-8"));
  } finally {
    delete process.env.APT_CONFIG;
    delete process.env.PERL5LIB;
  }
});

test("runTool() takes no argument for syntax", options, async () => {
  const { lines } = await runTool(["echo", "$(id)", "; id", "`id`"]);
  assert.deepEqual(lines, ["$(id) ; id `id`"]);
});

test("runTool() ends a program and its children when the build is cancelled", options, async () => {
  using folder = temporaryDirectory();
  const file = join(folder.path, "pids");
  const cancel = new AbortController();
  // Its child ends only by a signal of its own.
  const script = `sleep 1000 & echo $$ $! > ${file}; echo ready; wait`;
  await assert.rejects(
    runTool(["sh", "-c", script], {
      signal: cancel.signal,
      onLine: () => cancel.abort(new Error("enough")),
    }),
    { code: "BUILD_CANCELLED" },
  );
  for (const pid of readFileSync(file, "utf8").trim().split(" ")) {
    // Gone, or dead and not yet collected by whoever inherited it.
    assert.match(stateOf(Number(pid)), /^[ZX]?$/);
  }
});

test("runTool() starts nothing once the build is cancelled", options, async () => {
  await assert.rejects(runTool(["sh", "-c", "exit 0"], { signal: AbortSignal.abort() }), {
    code: "BUILD_CANCELLED",
  });
});

/** The letter that /proc gives a process; none when there is none. */
function stateOf(pid: number): string {
  try {
    return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? "";
  } catch {
    return "";
  }
}
