/** A build with a memo gives what a build in a new store gives, whatever happened to the files between builds. */
import assert from "node:assert/strict";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { keepsChangeTimes } from "../../core/context/change_times.ts";
import { LayerwrightError } from "../../core/errors.ts";
import { host } from "../../core/host/mod.ts";
import { image } from "../../mod.ts";
import { memoBuild, untilNextTick } from "../support/memo_engine.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const seed = 20261126;
const skip = !keepsChangeTimes(tmpdir());
const suffix = skip ? " (needs a local file system)" : "";

/** Few names, so that edits meet: files, what an ignore file hides, directories and what is in them. */
const PATHS = ["a", "b.log", "d", "d/x", "d/y.log", "e", "e/x", ".dockerignore"] as const;
const path = fc.constantFrom(...PATHS);

type Edit =
  | { readonly kind: "write" | "rewrite" | "replace"; readonly at: string; readonly text: string }
  | { readonly kind: "mode"; readonly at: string; readonly mode: number }
  | { readonly kind: "remove" | "directory" | "touch" | "swap"; readonly at: string }
  | { readonly kind: "symlink" | "hardlink"; readonly at: string; readonly to: string }
  | { readonly kind: "xattr"; readonly at: string; readonly value: number };

const text = fc.constantFrom("", "1", "2", "*.log\n", "d\n");
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constantFrom("write", "rewrite", "replace"), at: path, text }),
  fc.record({
    kind: fc.constant("mode" as const),
    at: path,
    mode: fc.constantFrom(0o644, 0o755, 0o600),
  }),
  fc.record({ kind: fc.constantFrom("remove", "directory", "touch", "swap"), at: path }),
  fc.record({ kind: fc.constantFrom("symlink", "hardlink"), at: path, to: path }),
  fc.record({ kind: fc.constant("xattr" as const), at: path, value: fc.nat(2) }),
) as fc.Arbitrary<Edit>;

/** Does what can be done; what the kernel refuses is no edit. */
function apply(root: string, change: Edit): void {
  const target = join(root, change.at);
  try {
    switch (change.kind) {
      case "write":
        return writeFileSync(target, change.text);
      case "rewrite": {
        // As many bytes, and the times it had: only ctime tells.
        const { atime, mtime } = lstatSync(target);
        const length = readFileSync(target).length;
        writeFileSync(target, change.text.padEnd(length, "x").slice(0, length));
        return utimesSync(target, atime, mtime);
      }
      case "replace":
        writeFileSync(join(root, "..", "new"), change.text);
        return renameSync(join(root, "..", "new"), target);
      case "mode":
        return chmodSync(target, change.mode);
      case "remove":
        return rmSync(target, { recursive: true, force: true });
      case "directory":
        rmSync(target, { recursive: true, force: true });
        return mkdirSync(target);
      case "touch":
        return utimesSync(target, 1_000_000_000, 1_000_000_000);
      case "swap": {
        // Another directory with the same names, at the same place.
        const twin = join(root, "..", `twin of ${basename(target)}`);
        rmSync(twin, { recursive: true, force: true });
        mkdirSync(twin);
        if (dirname(change.at) !== "." || !lstatSync(target).isDirectory()) return;
        for (const name of ["x", "y.log"]) writeFileSync(join(twin, name), "twin");
        rmSync(target, { recursive: true });
        return renameSync(twin, target);
      }
      case "symlink":
        rmSync(target, { recursive: true, force: true });
        return symlinkSync(change.to, target);
      case "hardlink":
        rmSync(target, { recursive: true, force: true });
        return linkSync(join(root, change.to), target);
      case "xattr":
        return host.systemCalls()?.setXattr(target, "user.a", Uint8Array.of(change.value));
    }
  } catch (error) {
    if (typeof (error as { code?: unknown }).code !== "string") throw error;
  }
}

const targets = {
  everything: image("app").from("scratch").copy(".", "/", { mode: "preserve", keepTimes: true }),
  some: image("app").from("scratch").copy(["*.log", "e"], "/logs/").copy("d", "/d"),
};

/** What a build came to: an image, or why there is none. */
async function outcomeOf(
  target: keyof typeof targets,
  home: string,
  contextDirectory: string,
): Promise<{ readonly image: string; readonly unchanged: boolean }> {
  try {
    const options = { home, contextDirectory, epochSeconds: 2 ** 31 };
    const { result, unchanged } = await memoBuild(targets[target], options);
    return { image: result.imageId, unchanged };
  } catch (error) {
    if (!(error instanceof LayerwrightError)) throw error;
    return { image: error.code, unchanged: false };
  }
}

test(`a build with a memo is a build without (seed ${seed})${suffix}`, {
  skip,
  timeout: 240_000,
}, async () => {
  let hits = 0;
  let rebuilt = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          edits: fc.array(edit, { maxLength: 3 }),
          target: fc.constantFrom("everything" as const, "some" as const),
        }),
        { minLength: 2, maxLength: 8 },
      ),
      async (rounds) => {
        using directory = temporaryDirectory();
        const context = join(directory.path, "context");
        mkdirSync(join(context, "d"), { recursive: true });
        mkdirSync(join(context, "e"));
        for (const name of ["a", "b.log", "d/x", "e/x"]) writeFileSync(join(context, name), name);
        for (const [index, { edits, target }] of rounds.entries()) {
          for (const change of edits) apply(context, change);
          untilNextTick(directory.path);
          const found = await outcomeOf(target, join(directory.path, "home"), context);
          const fresh = await outcomeOf(target, join(directory.path, `home${index}`), context);
          assert.equal(found.image, fresh.image);
          const again = await outcomeOf(target, join(directory.path, "home"), context);
          assert.deepEqual(again, { ...found, unchanged: found.image.startsWith("sha256:") });
          if (found.unchanged) hits++;
          else rebuilt++;
        }
      },
    ),
    { seed, numRuns: 30 },
  );
  // Both must have happened for this to say anything.
  assert.ok(hits > 5 && rebuilt > 5, `${hits} unchanged, ${rebuilt} built`);
});
