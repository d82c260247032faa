/**
 * Secrets of steps: as files and variables, masked in what steps print, and written nowhere.
 * Over 300 lines: all that could give one away, over one build.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Secrets } from "../../../core/execute/secrets.ts";
import { image, type ProgressEvent, secretMount } from "../../../mod.ts";
import { busyboxImage, runObstacle } from "../../support/busybox_image.ts";
import { hasManyIds } from "../../support/many_ids.ts";
import { recordBuild } from "../../support/recorded_build.ts";
import { tempEngine } from "../../support/temp_engine.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const reason = await runObstacle();
const options = { skip: reason !== undefined, timeout: 120_000 };
const suffix = reason === undefined ? "" : ` (${reason})`;
const base = busyboxImage();
const manyIds = await hasManyIds();

test(`run() shows a secret as a file, as a variable, and as both${suffix}`, options, async () => {
  using lw = tempEngine();
  const script =
    'stat -c \'%a %u:%g\' /run/secrets/a /etc/b; sha256sum < /run/secrets/a | cut -c1-8; test -e /run/secrets/c || echo none; test "$B" = "$(cat /etc/b)" && echo same; test "$C" = vvvvvv && echo C';
  const recipe = image().from(base).run(script, {
    mounts: [
      secretMount("a"),
      secretMount("b", { target: "/etc/b", env: "B", mode: 0o444 }),
      secretMount("c", { env: "C" }),
    ],
  });
  const { output, error } = await recordBuild(lw, recipe, {
    secrets: [{ id: "a", value: "x\n" }, { id: "b", value: "a value" }, {
      id: "c",
      value: "vvvvvv",
    }],
  });
  assert.equal(error, "");
  assert.equal(output, "400 0:0\n444 0:0\n73cb3858\nnone\nsame\nC\n");
});

test(
  `run() gives a secret's file the owner asked for${suffix} (needs many ids)`,
  { ...options, skip: options.skip || !manyIds },
  async () => {
    using lw = tempEngine();
    const { output } = await recordBuild(
      lw,
      image().from(base).workdir("/mnt").user("1000").run(
        "stat -c '%a %u:%g' s; cat s",
        { mounts: [secretMount("s", { target: "s", mode: 0o600, uid: 1000, gid: 7 })] },
      ),
      { secrets: [{ id: "s", value: "abc" }] },
    );
    assert.equal(output, "600 1000:7\nabc");
  },
);

test(
  `run() without a secret that is not required has no file and no variable${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const recipe = image().from(base).run('test ! -e /run/secrets/a && echo "no ${B-variable}"', {
      mounts: [secretMount("a"), secretMount("b", { env: "B" })],
    });
    const { output, error } = await recordBuild(lw, recipe, {
      secrets: [{ id: "b", env: "LAYERWRIGHT_TEST_NO_SUCH_VARIABLE" }],
    });
    assert.deepEqual([output, error], ["no variable\n", ""]);
  },
);

test(
  `run() names a required secret that is missing, its line, and what there is${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const recipe = image().from(base).run("true", {
      mounts: [secretMount("npm_tokn", { required: true })],
    });
    const { code, error } = await recordBuild(lw, recipe, {
      secrets: [{ id: "npm_token", value: "1" }, { id: "other", value: "2" }],
    });
    assert.equal(code, "SECRET_MISSING");
    assert.match(error, /no secret "npm_tokn", did you mean "npm_token"\?/);
    assert.match(error, /secrets_test\.ts:\d+ .*\.run\("true"/);
    assert.match(error, /it was given "npm_token", "other"/);
    assert.match(error, /--secret id=npm_tokn,src=FILE or --secret id=npm_tokn,env=VARIABLE/);
    const none = await recordBuild(lw, recipe);
    assert.match(none.error, /it was given no secrets at all/);
  },
);

test("Secrets reads files when they are asked for, and says what is wrong with them", () => {
  using folder = temporaryDirectory();
  const file = join(folder.path, "file");
  const secrets = new Secrets([
    { id: "file", src: file },
    { id: "gone", src: join(folder.path, "gone") },
    { id: "directory", src: folder.path },
    { id: "two", src: file, env: "HOME" },
    { id: "large", src: join(folder.path, "large") },
  ]);
  // After the build has begun.
  writeFileSync(file, "content");
  writeFileSync(join(folder.path, "large"), new Uint8Array(500 * 1024 + 1));
  const read = (id: string): Uint8Array | undefined => secrets.valueOf({ id, required: false });
  assert.equal(Buffer.from(read("file") ?? []).toString(), "content");
  assert.throws(() => read("gone"), { code: "SECRET_MISSING", message: /no such file/ });
  assert.throws(() => read("directory"), { code: "SECRET_MISSING", message: /is a directory/ });
  assert.throws(() => read("two"), { code: "OPTION_INVALID", message: /2 sources/ });
  assert.throws(() => read("large"), { code: "OPTION_INVALID", message: /512,000 bytes/ });
  writeFileSync(join(folder.path, "large"), new Uint8Array(500 * 1024));
  assert.equal(read("large")?.length, 500 * 1024);
});

test(`run() refuses a variable that cannot hold a secret${suffix}`, options, async () => {
  using lw = tempEngine();
  const recipe = image().from(base).run("true", { mounts: [secretMount("s", { env: "S" })] });
  for (
    const [value, why] of [
      [new Uint8Array([1, 0, 2]), /zero byte/],
      [new Uint8Array([0xff, 0xfe]), /not UTF-8/],
      ["x".repeat(131_072), /128 KiB/],
    ] as const
  ) {
    const { code, error } = await recordBuild(lw, recipe, { secrets: [{ id: "s", value }] });
    assert.equal(code, "RUN_UNSUPPORTED");
    assert.match(error, why);
  }
});

test(
  `run() masks secrets in output, in pieces and lines too, and in errors${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const lines = "first line\nsecond line\n";
    const recipe = image().from(base).run(
      'echo "[$T]"; printf "%s" hun; printf "%s\\n" "ter2-$T" >&2; sed "s/^/> /" /run/secrets/lines; exit 3',
      { mounts: [secretMount("t", { env: "T" }), secretMount("lines")] },
    );
    const { output, events, error } = await recordBuild(lw, recipe, {
      secrets: [{ id: "t", value: "hunter2\n" }, { id: "lines", value: lines }],
    });
    for (const line of ["[***\n]\n", "hun", "ter2-***\n", "> ***\n> ***\n"]) {
      assert.ok(output.includes(line), `${JSON.stringify(line)} in ${JSON.stringify(output)}`);
    }
    assert.match(error, /exit code: 3/);
    assert.doesNotMatch(events + error, /hunter2|first line|second line/);
  },
);

test(
  `run() with a secret that invalidates runs again for another value only${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const recipe = image().from(base).run("true", {
      mounts: [secretMount("key", { invalidates: true })],
    });
    const outcome = async (...values: string[]): Promise<string | undefined> =>
      (await lw.build(recipe, { secrets: values.map((value) => ({ id: "key", value })) })).steps.at(
        -1,
      )
        ?.outcome;
    const first = [await outcome("one"), await outcome("one"), await outcome("two")];
    assert.deepEqual(first, ["run", "hit", "run"]);
    const salt = join(lw.home, "secret-salt");
    assert.equal(statSync(salt).mode & 0o777, 0o600);
    const before = readFileSync(salt);
    const explained = await lw.engine.explain(recipe, { secrets: [{ id: "key", value: "three" }] });
    assert.equal(explained.at(-1)?.reason, 'secret "key" changed');
    assert.doesNotMatch(JSON.stringify(explained), /three|hmac|[0-9a-f]{64}.*valueDigest/);
    assert.deepEqual([await outcome(), await outcome(), await outcome("one")], [
      "run",
      "hit",
      "hit",
    ]);
    assert.deepEqual(readFileSync(salt), before);
    using other = tempEngine();
    await other.build(recipe, { secrets: [{ id: "key", value: "one" }] });
    assert.notDeepEqual(readFileSync(join(other.home, "secret-salt")), before);
  },
);

test(`a plan makes no salt${suffix}`, options, async () => {
  using lw = tempEngine();
  await lw.build(base);
  const recipe = image().from(base).run("true", {
    mounts: [secretMount("key", { invalidates: true })],
  });
  const plan = await lw.plan(recipe, { secrets: [{ id: "key", value: "one" }] });
  assert.equal(plan.steps.at(-1)?.outcome, "run");
  assert.ok(!readdirSync(lw.home).includes("secret-salt"));
});

/** Every file of a folder, by path; names are searched like contents. */
function* filesBelow(folder: string): Generator<readonly [path: string, content: Buffer]> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stats = lstatSync(path);
    if (stats.isDirectory()) yield* filesBelow(path);
    else if (stats.isFile()) yield [path, readFileSync(path)];
  }
}

/** A value in all the ways in which somebody may have written it down. */
function formsOf(value: Uint8Array): Buffer[] {
  const bytes = Buffer.from(value);
  const texts = [0, 1, 2].map((shift) =>
    // Base64 of what stands somewhere in a longer text, less the characters that its neighbours decide.
    Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64").replace(/=+$/, "").slice(
      Math.ceil(shift * 8 / 6),
      -1,
    )
  );
  return [
    bytes,
    ...texts.flatMap((text) => [text, text.replaceAll("+", "-").replaceAll("/", "_")])
      .map((text) => Buffer.from(text)),
    Buffer.from(bytes.toString("hex")),
    Buffer.from(bytes.toString("hex").toUpperCase()),
    Buffer.from(encodeURIComponent(bytes.toString("latin1"))),
    Buffer.from(JSON.stringify(bytes.toString("latin1")).slice(1, -1)),
    Buffer.from(JSON.stringify(bytes.toString("utf8")).slice(1, -1)),
  ];
}

test(
  `secrets are written nowhere, whether the step succeeds or fails${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    using folder = temporaryDirectory();
    const values: Readonly<Record<string, Uint8Array>> = {
      text: Buffer.from(`${randomBytes(18).toString("base64url")} &%"\\`),
      lines: Buffer.from(
        `-----BEGIN\n${randomBytes(24).toString("hex")}\n${randomBytes(9).toString("hex")}\n`,
      ),
      binary: randomBytes(64),
      invalidating: randomBytes(24),
    };
    mkdirSync(join(folder.path, "in"));
    const file = join(folder.path, "in", "binary");
    writeFileSync(file, values.binary ?? "");
    process.env.LAYERWRIGHT_TEST_SECRET = Buffer.from(values.text ?? []).toString();
    const mounts = [
      secretMount("text", { env: "TEXT", target: "/run/text" }),
      secretMount("lines", { env: "LINES_" }),
      secretMount("binary"),
      secretMount("invalidating", { invalidates: true }),
    ];
    const secrets = [
      { id: "text", env: "LAYERWRIGHT_TEST_SECRET" },
      { id: "lines", value: values.lines ?? "" },
      { id: "binary", src: file },
      { id: "invalidating", value: values.invalidating ?? "" },
    ];
    const print =
      'cat /run/text /run/secrets/*; echo "$TEXT"; echo "$LINES_"; env; cat /proc/*/cmdline';
    const told: string[] = [];
    try {
      for (
        const end of ["true", "exit 4", "exec /no/such/program", "sleep 9 & kill -9 $!; wait $!"]
      ) {
        const recipe = image().from(base).run(`${print}; touch /made; ${end}`, { mounts });
        const { events, error, result } = await recordBuild(lw, recipe, {
          secrets,
          tags: ["made"],
        });
        assert.equal(result !== undefined, end === "true", error);
        told.push(events, error);
        if (result !== undefined) {
          await result.digest();
          told.push(
            JSON.stringify(result),
            JSON.stringify(await lw.engine.explain(recipe, { secrets })),
          );
        }
        assert.match(events, /\*\*\*/);
      }
      const invalid = image().from(base).run(["/no/such/program"], { mounts });
      told.push(JSON.stringify(await recordBuild(lw, invalid, { secrets })));
    } finally {
      delete process.env.LAYERWRIGHT_TEST_SECRET;
    }
    const searched = [...filesBelow(lw.home)];
    assert.ok(searched.length > 5);
    for (const [name, value] of Object.entries(values)) {
      for (const form of formsOf(value)) {
        for (const [path, content] of searched) {
          assert.equal(content.indexOf(form), -1, `secret "${name}" is in ${path}`);
        }
        for (const text of told) {
          assert.equal(Buffer.from(text, "latin1").indexOf(form), -1, `secret "${name}" was told`);
        }
      }
    }
  },
);

test(
  `secrets are in no process's arguments while the step runs${suffix}`,
  { ...options, skip: options.skip || !existsSync("/proc/self/cmdline") },
  async () => {
    using lw = tempEngine();
    const value = randomBytes(18).toString("hex");
    const recipe = image().from(base).run('echo "running $S"; exec sleep 1000', {
      mounts: [secretMount("s", { env: "S", target: "/run/s" })],
    });
    const abort = new AbortController();
    let seen: readonly string[] = [];
    const progress = {
      event(event: ProgressEvent): void {
        if (event.type !== "log") return;
        seen = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(argumentsOf);
        abort.abort();
      },
      close: () => {},
    };
    const secrets = [{ id: "s", value }];
    const building = lw.build(recipe, { secrets, progress, signal: abort.signal });
    await assert.rejects(building, { code: "BUILD_CANCELLED" });
    assert.ok(seen.some((text) => text.includes("worker")));
    assert.deepEqual(seen.filter((text) => text.includes(value)), []);
  },
);

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    // Gone meanwhile.
    return "";
  }
}
