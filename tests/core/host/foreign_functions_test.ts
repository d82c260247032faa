import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, constants, openSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { host } from "../../../core/host/mod.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const reason = host.systemCalls() === undefined ? "needs Linux and FFI" : undefined;
const options = { skip: reason ?? false };
const suffix = reason === undefined ? "" : ` (${reason})`;

test(`bindLibrary() passes bytes, numbers and addresses${suffix}`, options, () => {
  const libc = host.bindLibrary("libc.so.6", {
    getenv: { args: ["buffer"], result: "pointer" },
    strlen: { args: ["pointer"], result: "i32" },
    memcpy: { args: ["buffer", "pointer", "u64"], result: "pointer" },
    toupper: { args: ["i32"], result: "i32" },
  });
  assert.equal(libc?.toupper("a".charCodeAt(0)), "A".charCodeAt(0));
  const path = libc?.getenv(new TextEncoder().encode("PATH\0"));
  const bytes = new Uint8Array(Number(libc?.strlen(path)));
  libc?.memcpy(bytes, path, BigInt(bytes.length));
  assert.equal(new TextDecoder().decode(bytes), process.env.PATH);
});

test(
  `bindLibrary() gives nothing for a library or function that is not there${suffix}`,
  options,
  () => {
    const none = { args: [], result: "void" } as const;
    assert.equal(host.bindLibrary("libnone.so.1", { none }), undefined);
    assert.equal(host.bindLibrary("libc.so.6", { no_such_function: none }), undefined);
  },
);

test(
  `readPipe() reads many pipes at a time, each as it comes, and closes them${suffix}`,
  options,
  async () => {
    using directory = temporaryDirectory();
    const openPipe = (name: string): { readonly read: number; readonly write: number } => {
      const path = join(directory.path, name);
      spawnSync("mkfifo", [path]);
      const both = openSync(path, constants.O_RDWR);
      const ends = {
        read: openSync(path, constants.O_RDONLY),
        write: openSync(path, constants.O_WRONLY),
      };
      closeSync(both);
      return ends;
    };
    const seen: string[] = [];
    // The last one to start is the first to say something; all others wait until it was heard.
    const gate = join(directory.path, "gate");
    const count = 24;
    await Promise.all(Array.from({ length: count }, async (_, index) => {
      const { read, write } = openPipe(`pipe-${index}`);
      const script = index === count - 1
        ? "echo first"
        : 'while ! test -e "$0"; do sleep 0.02; done; printf %s later';
      const child = spawn("sh", ["-c", script, gate], { stdio: ["ignore", write, "inherit"] });
      closeSync(write);
      let text = "";
      for await (const bytes of host.readPipe(read)) {
        seen.push(new TextDecoder().decode(bytes));
        text += seen.at(-1);
        // Only now may the others.
        if (text === "first\n") writeFileSync(gate, "");
      }
      assert.equal(text, index === count - 1 ? "first\n" : "later");
      await new Promise((resolve) =>
        child.exitCode === null ? child.on("exit", resolve) : resolve(0)
      );
    }));
    assert.equal(seen[0], "first\n");
    assert.equal(seen.length, count);
    const isOurs = (fd: string): boolean => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory.path);
      } catch {
        return false;
      }
    };
    // A runtime may take its time with it.
    while (readdirSync("/proc/self/fd").some(isOurs)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  },
);
