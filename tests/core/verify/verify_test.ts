/** Steps that are not reproducible, each in one way, and what verify() says of them. */
import assert from "node:assert/strict";
import { readdirSync, statfsSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  cacheMount,
  type FileDifference,
  image,
  inlineFile,
  type VerifyResult,
} from "../../../mod.ts";
import { busyboxImage, runObstacle } from "../../support/busybox_image.ts";
import { programPath } from "../../support/program_path.ts";
import { tempEngine } from "../../support/temp_engine.ts";

const reason = await runObstacle();
const TMPFS_MAGIC = 0x01021994;
const needsDisk = statfsSync(tmpdir()).type === TMPFS_MAGIC
  ? "needs a temporary folder on a disk"
  : undefined;
const needsCpus = availableParallelism() < 2 || programPath("taskset") === undefined
  ? "needs taskset and two processors"
  : undefined;
const base = busyboxImage();

interface Case {
  readonly what: string;
  /** Run in a folder of its own. */
  readonly commands: string;
  /** `name field cause`, one for each difference. */
  readonly says: readonly string[];
  readonly skip?: string | undefined;
  /** Of the first difference. */
  readonly shows?: Partial<FileDifference>;
}

const FILES = "mkdir d; for i in q w e r t y u i o p; do echo $i > d/$i; done";

const cases: readonly Case[] = [
  {
    what: "nothing of what only looks irreproducible",
    commands: `${FILES}; echo $$ > pid; umask > umask; find d | sort > list; env > env; ` +
      "date -d @$SOURCE_DATE_EPOCH > date; touch now; cat /etc/resolv.conf > dns",
    says: [],
  },
  { what: "a date", commands: "date > stamp", says: ["stamp content time"] },
  {
    what: "seconds since the epoch",
    commands: "echo built $(date +%s) > stamp",
    says: ["stamp content time"],
  },
  {
    what: "a time in a binary header, as .pyc files have it, by its offset",
    commands: "h=$(printf %08x $(date +%s)); printf '\\xcb\\x0d\\x0d\\x0a\\0\\0\\0\\0' > m.pyc; " +
      'for i in 7 5 3 1; do printf "\\x$(echo $h | cut -c$i-$((i+1)))" >> m.pyc; done; echo code >> m.pyc',
    says: ["m.pyc content time"],
    shows: { offset: 8 },
  },
  {
    what: "a time in a tar inside",
    commands: "echo x > f; tar cf f.tar f",
    says: ["f.tar content time"],
  },
  {
    what: "a time in the target of a link",
    commands: "ln -s release-$(date +%s) current",
    says: ["current link target time"],
  },
  {
    what: "a random number",
    commands: "cat /proc/sys/kernel/random/uuid > id; echo same > other",
    says: ["id content every-run"],
  },
  {
    what: "what is in one layer only, with the name it has there",
    commands: "touch $(cat /proc/sys/kernel/random/uuid)",
    says: ["presence every-run", "presence every-run"],
  },
  {
    what: "mode, owner, type and size that are others each time",
    commands: "n=$(cat /count/n 2>/dev/null || echo 1); n=$((n+1)); echo $n > /count/n; " +
      "touch m t; chmod $n m; chown $n t; case $n in 2) touch x;; 3) mkfifo x;; *) mkdir x;; esac; " +
      "head -c $n /dev/zero > z",
    says: ["m mode every-run", "t owner every-run", "x type every-run", "z size every-run"]
      .concat("z content every-run"),
    shows: { stored: "0002", again: "0003" },
    skip: process.getuid?.() === 0 ? undefined : "needs root",
  },
  {
    what: "the host name, and the size that it changes",
    commands: "hostname > host",
    says: ["host size hostname", "host content hostname"],
    shows: { stored: "16 bytes", again: "10 bytes" },
  },
  {
    what: "the order of a directory of the image",
    commands: "find /usr > list",
    says: ["list content directory-order"],
    skip: needsDisk,
  },
  {
    what: "the order of a directory that the step made",
    commands: `${FILES}; find d > list`,
    says: ["list content directory-order"],
    skip: needsDisk,
  },
  {
    what: "the number of processors",
    commands: "nproc > cpus",
    says: ["cpus content cpus"],
    skip: needsCpus,
  },
];

const usable = cases.filter(({ skip }) => skip === undefined);
/** One step of all, each in the folder of its number: verifying waits for the clock, and it waits once so. */
const step = usable.map(({ commands }, index) =>
  `(mkdir -p /f/${index}; cd /f/${index}; ${commands})`
)
  .join("\n");
let verified: Promise<VerifyResult> | undefined;

async function verifyAll(): Promise<VerifyResult> {
  using lw = tempEngine();
  const recipe = image("app").from(base).run(step, { mounts: [cacheMount("/count")] });
  const result = await lw.engine.verify(recipe, { progress: "none", step: "app" });
  assert.deepEqual(readdirSync(join(lw.home, "tmp")), []);
  return result;
}

for (const { what, says, skip: cannot, shows = {} } of cases) {
  const obstacle = reason ?? cannot;
  const name = `verify() names ${what}${obstacle === undefined ? "" : ` (${obstacle})`}`;
  test(name, { skip: obstacle !== undefined, timeout: 120_000 }, async () => {
    verified ??= verifyAll();
    const { steps, reproducible } = await verified;
    assert.deepEqual([reproducible, steps.length, steps[0]?.outcome], [false, 1, "differs"]);
    const folder = `f/${usable.findIndex((one) => one.what === what)}/`;
    const found = (steps[0]?.differences ?? []).filter(({ path }) => path.startsWith(folder));
    const said = found.map(({ path, field, cause }) => {
      const shown = path.slice(folder.length);
      return `${/^[0-9a-f-]{36}$/.test(shown) ? "" : `${shown} `}${field} ${cause}`;
    });
    assert.deepEqual(said, says);
    assert.deepEqual({ ...found[0], ...shows }, { ...found[0] });
    for (const { stored, again } of found) assert.notEqual(stored, again);
  });
}

test(
  `verify() of steps that are reproducible says so, with two runs each${
    reason === undefined ? "" : ` (${reason})`
  }`,
  { skip: reason !== undefined, timeout: 120_000 },
  async () => {
    using lw = tempEngine();
    const recipe = image("app").from(base).run(cases[0]?.commands ?? "");
    const { reproducible, steps } = await lw.engine.verify(recipe, { progress: "none" });
    assert.equal(reproducible, true);
    assert.deepEqual(steps.map(({ outcome, runs }) => [outcome, runs]), [["same", 2], ["same", 2]]);
    assert.ok(steps.every(({ varied }) => varied.includes("time") && varied.includes("hostname")));
  },
);

const suffix = reason === undefined ? "" : ` (${reason})`;
const skip = { skip: reason !== undefined, timeout: 120_000 };

test(
  `verify() stores nothing: the next build has what the last one had${suffix}`,
  skip,
  async () => {
    using lw = tempEngine();
    const recipe = image().from(base).run("cat /proc/sys/kernel/random/uuid > /id")
      .copy(inlineFile("x", ""), "/x");
    const { imageId } = await lw.build(recipe);
    const { reproducible } = await lw.engine.verify(recipe, { progress: "none" });
    assert.equal(reproducible, false);
    const again = await lw.build(recipe, { paranoid: true });
    assert.equal(again.imageId, imageId);
    assert.ok(again.steps.every(({ outcome }) => outcome === "hit"));
  },
);

test(`verify() says that a step failed, and under what${suffix}`, skip, async () => {
  using lw = tempEngine();
  const verified = await lw.engine.verify(
    image("app").from(base).run('test "$(hostname)" = buildkitsandbox'),
    { progress: "none", step: "test" },
  );
  assert.deepEqual(verified.steps.map(({ outcome, failure }) => [outcome, failure]), [
    ["failed", "exit code 1 under hostname"],
  ]);
  assert.equal(verified.reproducible, false);
});

test(`verify() chooses steps by number and name, and refuses others${suffix}`, skip, async () => {
  using lw = tempEngine();
  const recipe = image("app").from(base).run("touch /one").run("touch /two");
  const numbers = async (step: string): Promise<number[]> =>
    (await lw.engine.verify(recipe, { progress: "none", step })).steps.map(({ number }) => number);
  assert.deepEqual(await numbers("3"), [3]);
  assert.deepEqual(await numbers("TOUCH /t"), [3]);
  await assert.rejects(numbers("4"), { code: "OPTION_INVALID" });
});

test("verify() of an image without RUN steps needs no executor, and finds nothing", async () => {
  using lw = tempEngine({ a: "a" });
  const recipe = image().from("scratch").copy("a", "/a");
  const options = { progress: "none", contextDirectory: lw.context };
  assert.deepEqual(await lw.engine.verify(recipe, options), { reproducible: true, steps: [] });
});
