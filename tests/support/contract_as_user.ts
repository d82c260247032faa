/**
 * A test file run once more as a user who has nothing but user namespaces.
 *
 * @module
 */
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { host } from "../../core/host/mod.ts";
import { asUser, cannotBecomeUser } from "./as_user.ts";
import { startChild } from "./child.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

/** Declares the test. @param file Below `tests/contracts`. */
export function contractAsUser(file: string): void {
  const skip = cannotBecomeUser ?? false;
  const name = `${file} passes for a user without privileges${skip === false ? "" : ` (${skip})`}`;
  test(name, { skip, timeout: 120_000 }, async () => {
    using home = temporaryDirectory();
    const path = fileURLToPath(new URL(`../contracts/${file}`, import.meta.url));
    const runTests = host.runtime === "deno"
      ? [process.execPath, "test", "-A", "--no-check", "--no-lock", path]
      : [process.execPath, "test", path];
    await using child = startChild(asUser(runTests, home.path));
    await child.succeeded();
  });
}
