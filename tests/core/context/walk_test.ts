// Over 300 lines: one case for each kind of file and each way a walk can fail, over one set of fixtures.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseIgnorePatterns } from "../../../core/context/ignore.ts";
import { openContext, walkContext } from "../../../core/context/walk.ts";
import { LayerwrightError } from "../../../core/errors.ts";
import { host } from "../../../core/host/mod.ts";
import { programPath } from "../../support/program_path.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const isLinux = process.platform === "linux";
const isRoot = process.getuid?.() === 0;
const reportModule = fileURLToPath(new URL("./walk_report.ts", import.meta.url));

function withRoot(use: (root: string) => void): void {
  using directory = temporaryDirectory();
  use(directory.path);
}

/** Creates files, with the directories above them; a path that ends with `/` is a directory. */
function create(root: string, ...paths: readonly string[]): void {
  for (const path of paths) {
    const target = join(root, path);
    mkdirSync(path.endsWith("/") ? target : dirname(target), { recursive: true });
    if (!path.endsWith("/")) writeFileSync(target, path);
  }
}

function pathsOf(
  root: string,
  ignore: readonly string[] = [],
  include: readonly string[] = [],
): string[] {
  const rules = { ignore: parseIgnorePatterns(ignore), include: parseIgnorePatterns(include) };
  return walkContext(root, rules).entries.map(({ path }) => path);
}

test("walkContext() lists everything in the order of path bytes", () => {
  withRoot((root) => {
    create(root, "a/b", "a-b", "a.b", "é", "z", "\u{1F600}", "\uE000", "A/", "a/a/a");
    assert.deepEqual(pathsOf(root), [
      "A",
      "a",
      "a-b",
      "a.b",
      "a/a",
      "a/a/a",
      "a/b",
      "z",
      "é",
      "\uE000",
      "\u{1F600}",
    ]);
  });
});

test("walkContext() takes type, mode, owner, size and time from the files", () => {
  withRoot((root) => {
    create(root, "d/f");
    chmodSync(join(root, "d/f"), 0o4751);
    chmodSync(join(root, "d"), 0o1700);
    symlinkSync("../nowhere", join(root, "link"));
    lutimesSync(join(root, "d/f"), 1.5, 1_234_567_890.75);
    execFileSync("touch", ["-h", "-d", "1969-12-31T23:59:58.5Z", join(root, "link")]);
    const [directory, file, link] = walkContext(root).entries;
    const { uid, gid } = lstatSync(join(root, "d/f"));
    assert.deepEqual(directory, {
      path: "d",
      type: "directory",
      mode: 0o1700,
      uid,
      gid,
      sizeBytes: 0,
      mtimeSeconds: directory?.mtimeSeconds,
    });
    assert.equal(file?.type, "file");
    assert.equal(file?.mode, 0o4751);
    assert.equal(file?.sizeBytes, 3);
    assert.equal(file?.mtimeSeconds, 1_234_567_890);
    assert.equal(file?.content?.kind === "path" && file.content.path, join(root, "d/f"));
    assert.equal(link?.type, "symlink");
    assert.equal(link?.linkTarget, "../nowhere");
    assert.equal(link?.mtimeSeconds, -2);
  });
});

test("walkContext() keeps links as links, in directories and to directories", () => {
  withRoot((root) => {
    create(root, "real/f");
    symlinkSync("real", join(root, "linked"));
    symlinkSync("/", join(root, "out"));
    symlinkSync("self", join(root, "self"));
    assert.deepEqual(pathsOf(root), ["linked", "out", "real", "real/f", "self"]);
  });
});

test("walkContext() links further names of a file to the first in order", () => {
  withRoot((root) => {
    create(root, "b/x", "single");
    linkSync(join(root, "b/x"), join(root, "c"));
    linkSync(join(root, "b/x"), join(root, "a-ignored"));
    const { entries } = walkContext(root, { ignore: parseIgnorePatterns(["a-*"]) });
    assert.deepEqual(entries.map(({ path, type, linkTarget }) => [path, type, linkTarget]), [
      ["b", "directory", undefined],
      ["b/x", "file", undefined],
      ["c", "hardlink", "b/x"],
      ["single", "file", undefined],
    ]);
    assert.equal(entries[2]?.content, undefined);
    assert.equal(entries[2]?.sizeBytes, 0);
  });
});

test("walkContext() keeps FIFOs", { skip: !isLinux && "needs mkfifo" }, () => {
  withRoot((root) => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    assert.equal(walkContext(root).entries[0]?.type, "fifo");
  });
});

test("walkContext() keeps devices with their numbers (needs root)", {
  skip: !(isLinux && isRoot) && "needs root",
}, () => {
  withRoot((root) => {
    const calls = host.systemCalls();
    assert.ok(calls !== undefined);
    calls.mknod(join(root, "c"), 0o020600, 259, 70_000);
    calls.mknod(join(root, "b"), 0o060600, 1, 3);
    const found = walkContext(root).entries.map((entry) => [
      entry.type,
      entry.devMajor,
      entry.devMinor,
    ]);
    assert.deepEqual(found, [["block-device", 1, 3], ["character-device", 259, 70_000]]);
  });
});

test(
  "walkContext() leaves sockets out and says so",
  { skip: !isLinux && "needs Linux" },
  async () => {
    using directory = temporaryDirectory();
    const root = directory.path;
    create(root, "d/f");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, "d/s"), resolve));
    try {
      const { entries, skipped } = walkContext(root);
      assert.deepEqual(entries.map(({ path }) => path), ["d", "d/f"]);
      assert.deepEqual(skipped, [{ path: "d/s", reason: "a socket, which no layer can hold" }]);
      assert.deepEqual(walkContext(root, { ignore: parseIgnorePatterns(["d/s"]) }).skipped, []);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  },
);

test("walkContext() keeps user attributes and capabilities, no others (needs root)", {
  skip: !(isLinux && isRoot) && "needs root",
}, () => {
  withRoot((root) => {
    create(root, "d/f");
    const calls = host.systemCalls();
    assert.ok(calls !== undefined);
    const capability = Uint8Array.from([
      1,
      0,
      0,
      2,
      0,
      4,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
    const file = join(root, "d/f");
    calls.setXattr(file, "user.b", Uint8Array.of(0, 255));
    calls.setXattr(file, "user.a", new Uint8Array());
    calls.setXattr(file, "security.capability", capability);
    calls.setXattr(file, "trusted.x", Uint8Array.of(1));
    calls.setXattr(join(root, "d"), "user.dir", Uint8Array.of(7));
    const [directory, entry] = walkContext(root).entries;
    assert.deepEqual(Object.entries(entry?.xattrs ?? {}), [
      ["security.capability", capability],
      ["user.a", new Uint8Array()],
      ["user.b", Uint8Array.of(0, 255)],
    ]);
    assert.deepEqual(directory?.xattrs, { "user.dir": Uint8Array.of(7) });
  });
});

test("walkContext() shows a directory that is ignored only above what a rule took back", () => {
  withRoot((root) => {
    create(root, "a/keep/x", "a/drop/y", "b/z", "c", "empty/");
    assert.deepEqual(pathsOf(root, ["*", "!a/keep"]), ["a", "a/keep", "a/keep/x"]);
    assert.deepEqual(pathsOf(root, ["*", "!**/z"]), ["b", "b/z"]);
    assert.deepEqual(pathsOf(root, ["*", "!**/none"]), []);
    assert.deepEqual(pathsOf(root, ["a/**"]), ["a", "b", "b/z", "c", "empty"]);
    assert.deepEqual(pathsOf(root, ["**", "!empty"]), ["empty"]);
  });
});

test("walkContext() shows what an include list names, and the directories above it", () => {
  withRoot((root) => {
    create(root, "a/x.ts", "a/x.js", "a/b/y.ts", "c/z.js", "d.ts");
    assert.deepEqual(pathsOf(root, [], ["**/*.ts"]), ["a", "a/b", "a/b/y.ts", "a/x.ts", "d.ts"]);
    assert.deepEqual(pathsOf(root, ["a/b"], ["**/*.ts"]), ["a", "a/x.ts", "d.ts"]);
    assert.deepEqual(pathsOf(root, [], ["c"]), ["c", "c/z.js"]);
  });
});

test("walkContext() takes a name that is a replacement character for what it is", () => {
  withRoot((root) => {
    create(root, "ok\uFFFD");
    assert.deepEqual(pathsOf(root), ["ok\uFFFD"]);
  });
});

test("walkContext() refuses names that are not UTF-8, unless they are ignored", {
  skip: !isLinux && "needs a file system of bytes",
}, () => {
  withRoot((root) => {
    const printf = 'cd "$1" && mkdir d && : > "$(printf \'d/caf\\351\')"';
    execFileSync("sh", ["-c", printf, "sh", root]);
    assert.throws(() => walkContext(root), (error) => {
      assert.ok(error instanceof LayerwrightError);
      assert.equal(error.code, "CONTEXT_NAME_NOT_UTF8");
      assert.ok(error.message.includes('"d/caf\\x??"'), error.message);
      return true;
    });
    assert.deepEqual(pathsOf(root, ["d/caf*"]), ["d"]);
    // Its twin in our eyes exists, so that only the double name tells.
    create(root, "d/caf\uFFFD");
    assert.throws(() => walkContext(root), { code: "CONTEXT_NAME_NOT_UTF8" });
    execFileSync("sh", ["-c", 'rm -r "$1/d" && ln -s "$(printf \'\\377\')" "$1/link"', "sh", root]);
    assert.throws(() => walkContext(root), { code: "CONTEXT_NAME_NOT_UTF8" });
  });
});

test("walkContext() refuses a context that is missing, or no directory", () => {
  withRoot((root) => {
    create(root, "file");
    const missing = join(root, "no");
    assert.throws(() => walkContext(missing), {
      code: "CONTEXT_MISSING",
      message: `Cannot use build context ${JSON.stringify(missing)}: no such directory`,
    });
    assert.throws(() => walkContext(join(root, "file")), {
      code: "CONTEXT_MISSING",
      message: /it is not a directory$/,
    });
    assert.throws(() => walkContext(join(root, "file/below")), { code: "CONTEXT_MISSING" });
  });
});

test("walkContext() follows a link that is the context itself", () => {
  withRoot((root) => {
    create(root, "real/f");
    symlinkSync("real", join(root, "linked"));
    assert.deepEqual(pathsOf(join(root, "linked")), ["f"]);
  });
});

test("walkContext() refuses more entries than the limit", () => {
  withRoot((root) => {
    create(root, "a", "b", "c/d");
    assert.equal(walkContext(root, { maxEntries: 4 }).entries.length, 4);
    assert.throws(() => walkContext(root, { maxEntries: 3 }), {
      code: "CONTEXT_LIMIT",
      message: /more than 3 files and directories$/,
    });
  });
});

test(
  "walkContext() refuses paths longer than the system's",
  { skip: !isLinux && "needs Linux" },
  () => {
    withRoot((root) => {
      const half = Array.from({ length: 9 }, () => "n".repeat(240)).join("/");
      create(root, `a/${half}/`, `b/${half}/`);
      renameSync(join(root, "b"), join(root, "a", half, "b"));
      try {
        assert.throws(() => walkContext(root), { code: "CONTEXT_LIMIT" });
      } finally {
        renameSync(join(root, "a", half, "b"), join(root, "b"));
      }
    });
  },
);

test("LocalContext.list() tells when a directory went away after it was listed", () => {
  withRoot((root) => {
    create(root, "d/f", "e/f");
    const context = openContext(root);
    assert.deepEqual(context.list(""), ["d", "e"]);
    rmSync(join(root, "d"), { recursive: true });
    assert.throws(() => context.list("d"), { code: "CONTEXT_FILE_CHANGED" });
    renameSync(join(root, "e/f"), join(root, "f"));
    rmSync(join(root, "e"), { recursive: true });
    renameSync(join(root, "f"), join(root, "e"));
    assert.throws(() => context.list("e"), { code: "CONTEXT_FILE_CHANGED" });
  });
});

test("openContext() reads nothing before it is asked, and only what it is asked for", () => {
  withRoot((root) => {
    const context = openContext(join(root, "later"));
    create(root, "later/a/b", "later/c");
    assert.equal(context.lookup("a/b")?.type, "file");
    rmSync(join(root, "later/c"));
    assert.deepEqual(context.list(""), ["a"]);
  });
});

test("LocalContext.lookup() does not look behind links, nor at what is ignored", () => {
  withRoot((root) => {
    create(root, "real/f", "real/g");
    symlinkSync("real", join(root, "linked"));
    const context = openContext(root, { ignore: parseIgnorePatterns(["real/g"]) });
    assert.equal(context.lookup("real/f")?.type, "file");
    assert.equal(context.lookup("linked")?.type, "symlink");
    for (const path of ["", "linked/f", "real/g", "none", "none/f", "real/f/x"]) {
      assert.equal(context.lookup(path), undefined, path);
    }
    assert.deepEqual(context.list("linked"), []);
    assert.deepEqual(context.list("real/f"), []);
  });
});

test("LocalContext.resolve() follows links inside the context and refuses to leave it", () => {
  withRoot((root) => {
    create(root, "context/a/b/f", "outside");
    const at = (path: string): string => join(root, "context", path);
    symlinkSync("a/b", at("relative"));
    symlinkSync("/a/b/f", at("absolute"));
    symlinkSync("../../a", at("a/b/up"));
    symlinkSync("../outside", at("escape"));
    symlinkSync("/etc/passwd", at("machine"));
    symlinkSync("loop", at("loop"));
    symlinkSync("nothing", at("dangling"));
    const context = openContext(join(root, "context"));
    assert.equal(context.resolve("relative/f"), "a/b/f");
    assert.equal(context.resolve("absolute"), "a/b/f");
    assert.equal(context.resolve("relative/up/b/f"), "a/b/f");
    assert.equal(context.resolve(""), "");
    for (const path of ["dangling", "relative/none", "a/b/f/x", "none"]) {
      assert.equal(context.resolve(path), undefined, path);
    }
    assert.throws(() => context.resolve("escape"), {
      code: "CONTEXT_ESCAPE",
      message: /Cannot follow "escape": it links to "\.\.\/outside", which is outside of/,
    });
    assert.throws(() => context.resolve("machine"), { code: "CONTEXT_ESCAPE" });
    assert.throws(() => context.resolve("loop"), { code: "CONTEXT_LIMIT" });
  });
});

function report(root: string, wrap: readonly string[], patterns: readonly string[] = []): {
  readonly paths?: readonly string[];
  readonly code?: string;
  readonly text?: string;
} {
  const [command = "", ...args] = [...wrap, ...host.selfCommand(reportModule), root, ...patterns];
  // The runtimes want a home they can write to.
  const env = { ...process.env, HOME: join(root, "../home"), DENO_DIR: join(root, "../home") };
  return JSON.parse(execFileSync(command, args, { env, encoding: "utf8" }));
}

test(
  "walkContext() names a directory it may not read, and never touches an ignored one (needs root and setpriv)",
  {
    skip: !(isLinux && isRoot && programPath("setpriv") !== undefined) && "needs root and setpriv",
  },
  () => {
    withRoot((top) => {
      const root = join(top, "context");
      create(top, "context/closed/f", "context/open/f", "home/");
      for (const path of ["", "home"]) chmodSync(join(top, path), 0o777);
      chmodSync(join(root, "closed"), 0o700);
      const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
      const refused = report(root, asNobody);
      assert.equal(refused.code, "CONTEXT_UNREADABLE");
      assert.equal(
        refused.text,
        `CONTEXT_UNREADABLE: Cannot read "closed" in build context ${JSON.stringify(root)}: ` +
          `permission denied\n  fix: make it readable (chmod u+rX ${
            JSON.stringify(join(root, "closed"))
          }), or exclude it in .dockerignore`,
      );
      assert.deepEqual(report(root, asNobody, ["closed"]).paths, ["open", "open/f"]);
      chmodSync(join(root, "open/f"), 0o600);
      assert.equal(report(root, asNobody, ["closed"]).code, "CONTEXT_UNREADABLE");
      assert.deepEqual(report(root, asNobody, ["closed", "open/f"]).paths, ["open"]);
    });
  },
);

test("walkContext() refuses a directory mounted below itself (needs root and unshare)", {
  skip: !(isLinux && isRoot && programPath("unshare") !== undefined &&
    spawnSync("unshare", ["-m", "true"]).status === 0) && "needs root and unshare",
}, () => {
  withRoot((top) => {
    const root = join(top, "context");
    create(top, "context/a/b/c/f", "home/");
    const mounted = [
      "unshare",
      "-m",
      "sh",
      "-c",
      `mount --rbind "${root}/a" "${root}/a/b/c" && exec "$@"`,
      "sh",
    ];
    const refused = report(root, mounted);
    assert.equal(refused.code, "CONTEXT_LIMIT");
    assert.ok(refused.text?.includes('Cannot read "a/b/c"'));
    assert.deepEqual(report(root, mounted, ["a/b/c"]).paths, ["a", "a/b"]);
  });
});
