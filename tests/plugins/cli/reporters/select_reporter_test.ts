import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseProgressMode,
  type ProgressMode,
  selectReporter,
} from "../../../../plugins/cli/reporters/select_reporter.ts";
import { cached, plan, replay } from "../../../support/progress_events.ts";
import { RecordingSink, VirtualTerminal } from "../../../support/virtual_terminal.ts";

type Environment = Readonly<Record<string, string | undefined>>;

async function shown(
  mode: ProgressMode,
  environment: Environment,
  isTty: boolean,
): Promise<string> {
  const sink = new RecordingSink();
  Object.assign(sink, { isTty });
  replay(await selectReporter(mode, { sink, environment, readSource: () => undefined }), [
    plan("a"),
    cached("a", 0),
  ]);
  return sink.text;
}

test("parseProgressMode() prefers the option, then BUILDKIT_PROGRESS, then auto", () => {
  assert.equal(parseProgressMode("plain", { BUILDKIT_PROGRESS: "tty" }), "plain");
  assert.equal(parseProgressMode(undefined, { BUILDKIT_PROGRESS: "rawjson" }), "rawjson");
  assert.equal(parseProgressMode(undefined, { BUILDKIT_PROGRESS: "" }), "auto");
});

test("parseProgressMode() refuses an unknown display by its source and lists the known ones", () => {
  assert.throws(() => parseProgressMode("plian", {}), {
    code: "OPTION_INVALID",
    message: 'Cannot show progress: unknown display in "--progress=plian", did you mean "plain"?',
    hint: "use one of auto, plain, tty, rawjson, quiet, none",
  });
  assert.throws(
    () => parseProgressMode(undefined, { BUILDKIT_PROGRESS: "x" }),
    /BUILDKIT_PROGRESS=x/,
  );
});

test("selectReporter() draws only where auto finds a terminal that is a person's", async () => {
  const plain = "#1 a\n#1 CACHED\n";
  assert.equal(await shown("auto", {}, false), plain);
  assert.equal(await shown("auto", { CI: "true" }, true), plain);
  assert.equal(await shown("auto", { TERM: "dumb" }, true), plain);
  assert.match(await shown("auto", { TERM: "xterm" }, true), /\[\+\] Building/);
  assert.match(await shown("tty", { CI: "true" }, true), /\[\+\] Building/);
  assert.equal(await shown("none", {}, true) + await shown("quiet", {}, true), "");
  assert.match(await shown("rawjson", {}, true), /^\{"vertexes":/);
});

test("selectReporter() refuses tty without a terminal", async () => {
  await assert.rejects(shown("tty", {}, false), { code: "OPTION_INVALID" });
});

test("selectReporter() reads PROGRESS_NO_TRUNC and BUILDKIT_TTY_LOG_LINES", async () => {
  const name = "x".repeat(80);
  const sink = new RecordingSink();
  const environment = { PROGRESS_NO_TRUNC: "0" };
  replay(await selectReporter("plain", { sink, environment, readSource: () => undefined }), [
    plan(name),
    cached(name, 0),
  ]);
  assert.equal(sink.text.split("\n")[0], `#1 ${"x".repeat(72)}...`);
  for (const [lines, expected] of [["2", 2], ["0", 6], ["many", 6]] as const) {
    const terminal = new VirtualTerminal(40, 20);
    const reporter = await selectReporter("tty", {
      sink: terminal,
      environment: { BUILDKIT_TTY_LOG_LINES: lines },
      readSource: () => undefined,
    });
    const vertex = plan("a");
    reporter.event(vertex);
    const [{ digest } = { digest: undefined }] = vertex.type === "plan" ? vertex.vertices : [];
    assert.ok(digest !== undefined);
    reporter.event({ type: "started", vertex: digest, timeMs: 0 });
    const bytes = new TextEncoder().encode("l\n".repeat(10));
    reporter.event({ type: "log", vertex: digest, stream: "stdout", bytes, timeMs: 200 });
    assert.equal(terminal.screen().filter((line) => line === " => => # l").length, expected);
    reporter.close();
  }
});
