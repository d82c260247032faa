/** What can go wrong between two machines. The contract of executors says what has to go right. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { host } from "../../../core/host/mod.ts";
import { writeLayer } from "../../../core/layer/write_layer.ts";
import { COMPAT } from "../../../core/solve/cache_key.ts";
import { VERSION } from "../../../core/version.ts";
import { remoteExecutor } from "../../../plugins/runtime/mod.ts";
import { REMOTE_PROTOCOL } from "../../../plugins/runtime/remote_protocol.ts";
import { runObstacle } from "../../support/busybox_image.ts";
import { processesWith, until } from "../../support/processes.ts";
import { nearbyRemote, strictWorkerCommand, workerCommand } from "../../support/remote_worker.ts";
import { openStepFixture } from "../../support/step_fixture.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const reason = await runObstacle();
const options = { skip: reason ?? false, timeout: 60_000 };
const suffix = reason === undefined ? "" : ` (${reason})`;
const hello = (protocol: number, version = "9.9.9"): string =>
  JSON.stringify({ type: "hello", protocol, version });
const saying = (...lines: string[]): string[] => [
  ...["sh", "-c", 'printf "%s\\n" "$@"; cat >/dev/null', "sh", ...lines],
];
const failed = { code: "RUN_WORKER_FAILED" } as const;

/** A worker whose words, or those to it, go through a filter first. */
function filtered(where: "to" | "from", filter: string): ReturnType<typeof nearbyRemote> {
  const script = where === "to"
    ? 'filter=$0; sed -u "$filter" | "$@"'
    : 'filter=$0; "$@" | sed -u "$filter"';
  return nearbyRemote((home) => ["sh", "-c", script, filter, ...workerCommand(home)]);
}

test("the protocol's number grows with the number of layers that equal steps make", () => {
  // Keys of results are the engine's, the results are the worker's: raise REMOTE_PROTOCOL with COMPAT, and this.
  assert.deepEqual([COMPAT, REMOTE_PROTOCOL], [1, 1]);
});

test(
  `a worker gives no step privileges that it was not started with${suffix}`,
  options,
  async () => {
    const executor = nearbyRemote((home) => strictWorkerCommand(home));
    await using fixture = await openStepFixture(executor);
    await assert.rejects(fixture.run("true", { security: "insecure" }), {
      code: "RUN_NOT_ALLOWED",
      hint: "start the worker there with --allow security.insecure",
    });
    const { result } = await fixture.run("true");
    assert.equal(result.exitCode, 0);
  },
);

test("probe() names both versions when they do not fit, and what to do", async () => {
  const executor = remoteExecutor({ command: saying(hello(REMOTE_PROTOCOL + 1)) });
  const mismatch = {
    ...failed,
    message: `Cannot run steps on another machine: Layerwright 9.9.9 there speaks protocol ${
      REMOTE_PROTOCOL + 1
    }, Layerwright ${VERSION} here speaks ${REMOTE_PROTOCOL}`,
    hint: "install the same version of Layerwright on both machines",
  };
  await assert.rejects(executor.probe(), mismatch);
  using temporary = temporaryDirectory();
  const workDirectory = join(temporary.path, "work");
  await assert.rejects(executor.open({ workDirectory }), mismatch);
});

test("probe() says what a command that leads to no worker did", async () => {
  const commands: readonly (readonly [string[], RegExp])[] = [
    [["sh", "-c", "echo layerwright: not found >&2; exit 127"], /not found.*exit code 127/],
    [["/nowhere/ssh", "host"], /ENOENT|not found|No such file/],
    [saying("Welcome to host!"), /its first line is \\?"Welcome to host!/],
    [saying("{}"), /leads to no worker/],
    [["sh", "-c", `echo '${hello(REMOTE_PROTOCOL)}'`], /before it said what it can do/],
    [saying(hello(REMOTE_PROTOCOL), '{"type":"machine","usable":"yes"}'), /does not follow/],
    [["sh", "-c", "head -c 40000000 /dev/zero; cat >/dev/null"], /a line has more than/],
  ];
  for (const [command, text] of commands) {
    await assert.rejects(remoteExecutor({ command }).probe(), (error: Error) => {
      const { code, message, details, hint } = error as Error & {
        code: string;
        details: string[];
        hint: string;
      };
      assert.equal(code, "RUN_WORKER_FAILED");
      assert.match([message, ...details].join(" "), text);
      assert.match(hint, /by hand/);
      return true;
    });
  }
});

test("probe() passes on what the other machine lacks", async () => {
  const findings = [{ name: "crun", found: false, detail: "no crun on PATH", fix: "install crun" }];
  const machine = JSON.stringify({ type: "machine", usable: false, findings });
  const probe = await remoteExecutor({ command: saying(hello(REMOTE_PROTOCOL), machine) }).probe();
  assert.equal(probe.usable, false);
  assert.equal(probe.required, true);
  assert.equal(probe.snapshotVariant, undefined);
  assert.deepEqual(probe.findings.slice(1), findings);
});

test(`open() ends when it is aborted, whatever the command does${suffix}`, options, async () => {
  using temporary = temporaryDirectory();
  const executor = remoteExecutor({ command: ["sleep", `6${process.pid}1`] });
  const abort = new AbortController();
  const opening = executor.open({
    workDirectory: join(temporary.path, "work"),
    signal: abort.signal,
  });
  await until("the command runs", () => processesWith(`6${process.pid}1`).length > 0);
  abort.abort();
  await assert.rejects(opening, { code: "BUILD_CANCELLED" });
  assert.deepEqual(processesWith(`6${process.pid}1`), []);
});

test(`a layer that is damaged on its way there is refused${suffix}`, options, async () => {
  // The first byte of a tar's first name.
  await using fixture = await openStepFixture(
    filtered("to", '/^{"type":"layer",/s/"base64":"[A-Za-z]/"base64":"\\//'),
  );
  const damaged = { code: "BLOB_DIGEST_MISMATCH", message: /received sha256:.*expected sha256:/ };
  await assert.rejects(fixture.run("true"), damaged);
});

test(`a layer that is damaged on its way back is refused${suffix}`, options, async () => {
  await using fixture = await openStepFixture(
    filtered("from", '/^{"type":"layer",/s/"base64":"[A-Za-z]/"base64":"\\//'),
  );
  const { run, path } = fixture;
  const layerPath = path();
  const damaged = { code: "BLOB_DIGEST_MISMATCH", message: /received sha256:.*expected sha256:/ };
  await assert.rejects(run("echo x >/x", { layerPath }), damaged);
  assert.equal(existsSync(layerPath), false);
});

test(
  `a worker that talks nonsense, or of what nobody asked, ends the session${suffix}`,
  options,
  async () => {
    for (
      const filter of [
        's/^{"type":"done".*/nonsense/',
        's/^{"type":"done","id":[0-9]*/{"type":"layer","id":77,"base64":"AAAA"}/',
        's/^{"type":"layer","id":[0-9]*/{"type":"layer","id":-1/',
        's/"exitCode":0/"exitCode":1000/',
        's/"chunkLengths":\\[[0-9]*/&,1/',
      ]
    ) {
      await using fixture = await openStepFixture(filtered("from", filter));
      const layerPath = fixture.path();
      await assert.rejects(fixture.run("echo x >/x", { layerPath }), failed, filter);
      assert.equal(existsSync(layerPath), false, filter);
    }
  },
);

test(`a worker refuses an engine that does not follow the protocol${suffix}`, options, async () => {
  using temporary = temporaryDirectory();
  const home = join(temporary.path, "home");
  const [program = "", ...args] = workerCommand(home);
  const requests: readonly (readonly string[])[] = [
    ["nonsense"],
    ['{"type":"run","id":1}'],
    ['{"type":"open"}', '{"type":"open"}'],
    ['{"type":"remove","id":1,"trees":[]}'],
    ['{"type":"open"}', '{"type":"remove","id":1,"trees":["../.."]}'],
  ];
  for (const lines of requests) {
    const worker = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let stderr = "";
    worker.stderr.on("data", (bytes) => stderr += String(bytes));
    worker.stdout.resume();
    worker.stdin.write(lines.map((line) => `${line}\n`).join(""));
    await once(worker, "close");
    assert.equal(worker.exitCode, 1, lines.join());
    assert.match(stderr, /^RUN_WORKER_FAILED: Cannot serve the engine/);
    assert.deepEqual(readdirSync(join(home, "tmp")), []);
  }
});

test(`a layer is sent once, however often it is unpacked${suffix}`, options, async () => {
  using temporary = temporaryDirectory();
  const log = join(temporary.path, "said");
  const executor = nearbyRemote((home) => [
    ...["sh", "-c", 'tee "$0" | "$@"', log, ...workerCommand(home)],
  ]);
  await using fixture = await openStepFixture(executor);
  const { session, run, path, lower } = fixture;
  const tarPath = path();
  writeLayer((await run("echo x >/x")).entries, tarPath, { epochSeconds: 0 });
  for (const lowers of [[], [lower]]) {
    const directory = path();
    mkdirSync(directory);
    await session.unpack({ tarPath, lowers, directory });
    const { stdout } = await run("cat /x", { lowers: [directory, lower] });
    assert.equal(stdout, "x\n");
  }
  const ends = readFileSync(log, "utf8").split("\n").filter((line) => line.includes('"layer-end"'));
  // The root, and that one.
  assert.equal(ends.length, 2);
});

test(`what only this machine has is refused${suffix}`, options, async () => {
  await using fixture = await openStepFixture(nearbyRemote((home) => workerCommand(home)));
  const { run, path } = fixture;
  const file = path();
  writeFileSync(file, "");
  const unsupported = { code: "RUN_UNSUPPORTED" };
  const socket = { type: "socket", target: "/s", path: file, mode: 0o600, uid: 0, gid: 0 } as const;
  const mounted = { type: "directory", target: "/f", path: file, readOnly: true } as const;
  await assert.rejects(run("true", { mounts: [socket] }), unsupported);
  await assert.rejects(run("true", { mounts: [mounted] }), unsupported);
  await assert.rejects(run("true", { terminal: true }), unsupported);
  await assert.rejects(run("true", { lowers: ["/nowhere"] }), failed);
  assert.equal((await run("true")).result.exitCode, 0);
});

test(`nothing is left of a step whose engine is killed${suffix}`, options, async () => {
  using temporary = temporaryDirectory();
  const home = join(temporary.path, "home");
  const marker = `7${process.pid}3`;
  const script = fileURLToPath(new URL("../../support/run_remote_step.ts", import.meta.url));
  const [program = "", ...args] = host.selfCommand(script);
  const engine = spawn(program, [...args, home, `echo begun; sleep ${marker}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(engine, "exit");
  try {
    await once(engine.stdout, "data");
    await until("the step runs", () => processesWith(`sleep\0${marker}`).length > 0);
  } finally {
    engine.kill("SIGKILL");
    await ended;
  }
  await until("the step ends", () => processesWith(`sleep\0${marker}`).length === 0);
  await until("the worker tidies up", () => readdirSync(join(home, "tmp")).length === 0);
});
