/**
 * From the name a tar member carries to the path an entry has.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";

// Longer than any kernel takes, short enough that nothing grows without bound.
const MAX_NAME_CHARACTERS = 4 * 4096;
/** An empty, `.` or `..` component. */
const OUT_OF_FORM = /(?:^|\/)\.{0,2}(?:\/|$)/;

/**
 * Normalises the name of a member, or the target of a hard link: leading `/` and `./` go, as do empty and `.`
 * components and the slash at the end.
 *
 * @param action starts the message of an error: which member of which archive.
 * @returns a path as in {@link FileEntry}, or `""` for the root.
 * @throws {LayerwrightError} `LAYER_ESCAPES_ROOT` for a `..` component or a NUL byte, `LAYER_LIMIT` over 16,384 characters.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { normalizeMemberPath } from "./member_name.ts";
 * assert.equal(normalizeMemberPath("./a//b/./c/"), "a/b/c");
 * assert.equal(normalizeMemberPath("./"), "");
 * assert.throws(() => normalizeMemberPath("a/../../b"), { code: "LAYER_ESCAPES_ROOT" });
 * ```
 */
export function normalizeMemberPath(
  name: string,
  action: string = `Cannot use member name ${JSON.stringify(name)}`,
): string {
  if (name.length > MAX_NAME_CHARACTERS) {
    throw new LayerwrightError(
      "LAYER_LIMIT",
      `${action}: its name has ${name.length} characters, over ${MAX_NAME_CHARACTERS}`,
    );
  }
  if (name.includes("\0")) {
    throw new LayerwrightError(
      "LAYER_ESCAPES_ROOT",
      `${action}: ${JSON.stringify(name)} holds a NUL byte, at which a kernel would cut it`,
    );
  }
  // Most names are in form already, but for the slash that ends a directory.
  const trimmed = name.endsWith("/") ? name.slice(0, -1) : name;
  if (!OUT_OF_FORM.test(trimmed)) return trimmed;
  const kept: string[] = [];
  for (const component of name.split("/")) {
    if (component === "" || component === ".") continue;
    // Also where it stays inside lexically: "link/.." is wherever the link points.
    if (component === "..") {
      throw new LayerwrightError(
        "LAYER_ESCAPES_ROOT",
        `${action}: ${JSON.stringify(name)} leaves the root by ".."`,
      );
    }
    kept.push(component);
  }
  return kept.join("/");
}
