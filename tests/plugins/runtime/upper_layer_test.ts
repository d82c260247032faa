import assert from "node:assert/strict";
import { once } from "node:events";
import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { host } from "../../../core/host/mod.ts";
import { normalizeEntries } from "../../../core/layer/normalize.ts";
import { scanUpper, type UpperChanges } from "../../../plugins/runtime/upper_layer.ts";
import { Stubs } from "../../../plugins/runtime/stub_layer.ts";
import { summaryOf } from "../../support/step_fixture.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const needsCalls = host.systemCalls() === undefined ? "needs FFI" : undefined;
const suffix = needsCalls === undefined ? "" : ` (${needsCalls})`;
const skip = needsCalls ?? false;

interface Places {
  readonly upper: string;
  readonly below: string;
  scan(stubs?: Stubs): UpperChanges;
}

function makePlaces(directory: string, epochSeconds = 100): Places {
  const [upper, below] = [join(directory, "upper"), join(directory, "below")];
  mkdirSync(upper);
  mkdirSync(below);
  return {
    upper,
    below,
    scan: (stubs = new Stubs([])) => scanUpper({ upper, below, stubs, epochSeconds }),
  };
}

function write(path: string, text: string, mtimeSeconds: number): void {
  writeFileSync(path, text);
  chmodSync(path, 0o644);
  lutimesSync(path, mtimeSeconds, mtimeSeconds);
}

test(
  `scanUpper() takes a time that is clamped to the old one for no change${suffix}`,
  { skip },
  () => {
    using directory = temporaryDirectory();
    const { upper, below, scan } = makePlaces(directory.path);
    write(join(below, "touched"), "same", 100);
    write(join(upper, "touched"), "same", 9999);
    write(join(below, "newer"), "same", 500);
    write(join(upper, "newer"), "same", 9999);
    write(join(below, "copied-up"), "same", 500);
    write(join(upper, "copied-up"), "same", 500);
    const changes = scan();
    assert.deepEqual(summaryOf(changes.entries), ["file 644 newer"]);
    changes.settle();
    const times = Object.fromEntries(
      readdirSync(upper).map((name) => [name, statSync(join(upper, name)).mtimeMs / 1000]),
    );
    assert.deepEqual(times, { touched: 100, newer: 100, "copied-up": 500 });
  },
);

test(`scanUpper() keeps a file that has no other names any more, or has some now${suffix}`, {
  skip,
}, () => {
  using directory = temporaryDirectory();
  const { upper, below, scan } = makePlaces(directory.path);
  // A copy of one of two names, which overlayfs makes for a chmod that changes nothing.
  write(join(below, "parted"), "same", 0);
  linkSync(join(below, "parted"), join(below, "stays"));
  write(join(upper, "parted"), "same", 0);
  // Two files that are one now.
  for (const name of ["one", "two"]) write(join(below, name), "equal", 0);
  write(join(upper, "one"), "equal", 0);
  linkSync(join(upper, "one"), join(upper, "two"));
  // Which name is the file is for the writer of the layer to say: directories have an order of their own.
  const entries = normalizeEntries(scan().entries, { epochSeconds: 100 });
  assert.deepEqual(summaryOf(entries).sort(), [
    "file 644 one",
    "file 644 parted",
    "hardlink two -> one",
  ]);
});

test(`scanUpper() leaves sockets out and says so${suffix}`, { skip }, async () => {
  using directory = temporaryDirectory();
  const { upper, scan } = makePlaces(directory.path);
  const server = createServer().listen(join(upper, "agent"));
  await once(server, "listening");
  const changes = scan();
  assert.deepEqual(changes.entries, []);
  assert.deepEqual(changes.notes, ['left the socket "/agent" out of the layer']);
  changes.settle();
  assert.deepEqual(readdirSync(upper), []);
  server.close();
});

test(`scanUpper() drops a stub as long as it is untouched${suffix}`, {
  skip: skip || (process.getuid?.() !== 0 && "needs root"),
}, () => {
  const stubs = new Stubs([{ path: "/run/secrets/token", kind: "file" }, {
    path: "/opt",
    kind: "directory",
  }]);
  using directory = temporaryDirectory();
  const { upper, scan } = makePlaces(directory.path);
  stubs.makeLayer(upper);
  const untouched = scan(stubs);
  assert.deepEqual(untouched.entries, []);
  chmodSync(join(upper, "opt"), 0o700);
  write(join(upper, "run/secrets/token"), "filled", 0);
  assert.deepEqual(summaryOf(scan(stubs).entries).sort(), [
    "directory 700 opt",
    "directory 755 run",
    "directory 755 run/secrets",
    "file 644 run/secrets/token",
  ]);
  untouched.settle();
  assert.deepEqual(readdirSync(upper), []);
});
