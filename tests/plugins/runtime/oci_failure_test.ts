import assert from "node:assert/strict";
import { test } from "node:test";
import { LayerwrightError } from "../../../core/errors.ts";
import { lastWordsIn, meaningOfOne } from "../../../plugins/runtime/oci_failure.ts";

const line = (msg: string, level = "error"): string => `${JSON.stringify({ level, msg })}\n`;
const runc = (msg: string): string =>
  line("unable to get oom kill count", "warning") +
  line(`runc run failed: unable to start container process: ${msg}`);

test("meaningOfOne() tells programs that are missing or cannot be executed", () => {
  for (
    const [runtime, log, output, code] of [
      [
        "crun",
        line("executable file `nope` not found in $PATH: No such file or directory"),
        "",
        127,
      ],
      ["crun", line("open executable: Permission denied"), "", 126],
      [
        "crun",
        "",
        "exec container process (missing dynamic library?) `/bin/script`: No such file or directory\n",
        127,
      ],
      ["crun", "", "exec container process `/bin/bad`: Exec format error\n", 126],
      ["runc", runc('exec: "nope": executable file not found in $PATH'), "", 127],
      ["runc", runc('exec: "/nope": stat /nope: no such file or directory'), "", 127],
      ["runc", runc('error during container init: exec: "/etc": permission denied'), "", 126],
      ["runc", runc('exec: "/etc": is a directory'), "", 126],
      ["runc", "", "exec /bin/script: no such file or directory\n", 127],
      ["runc", "", "exec /bin/bad: exec format error\n", 126],
    ] as const
  ) assert.equal(meaningOfOne({ runtime, log, output }), code, log + output);
});

test("meaningOfOne() leaves a step its own exit code 1", () => {
  for (
    const output of [
      "",
      "exec: no\n",
      "building\nexec /bin/script: no such file or directory\n",
      "sh: exec: line 1: x: not found\n",
      "open executable files: 3 of 4\nok\n",
      "no such file or directory\n",
    ]
  ) {
    for (const runtime of ["crun", "runc"] as const) {
      const log = line("unable to get oom kill count", "warning");
      assert.equal(meaningOfOne({ runtime, log, output }), 1, output);
    }
  }
});

test("meaningOfOne() says what to do about failures of the runtime", () => {
  for (
    const [msg, hint] of [
      ["cgroups in hybrid mode not supported, drop all controllers from cgroupv2", /install runc/],
      ["error setting rlimit type 7: operation not permitted", /ulimits/],
      ["setrlimit `RLIMIT_NOFILE`: Operation not permitted", /CAP_SYS_RESOURCE/],
      ["mount `proc` to `proc`: Operation not permitted", /unmasked \/proc/],
      ["something new", undefined],
    ] as const
  ) {
    assert.throws(
      () => meaningOfOne({ runtime: "crun", log: line(msg), output: "whatever" }),
      (error) => {
        assert.ok(error instanceof LayerwrightError);
        assert.equal(error.code, "RUN_WORKER_FAILED");
        assert.ok(error.message.includes(msg), error.message);
        if (hint === undefined) assert.equal(error.hint, undefined);
        else assert.match(error.hint ?? "", hint);
        return true;
      },
    );
  }
});

test("lastWordsIn() makes words for people of a runtime's last line, and leaves all other output", () => {
  const decode = (bytes: Uint8Array | undefined): string | undefined =>
    bytes && new TextDecoder().decode(bytes);
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const words = "exec container process `/bin/bad`: Exec format error";
  const logged = JSON.stringify({ msg: words, level: "error", time: "2023-01-01" });
  assert.equal(decode(lastWordsIn(encode(`${logged}\n`))), `${words}\n`);
  for (const text of ["", "{}", words, '{"msg":"hi"}\n', '{"msg":"exec container process \n']) {
    assert.equal(lastWordsIn(encode(text)), undefined, text);
  }
});
