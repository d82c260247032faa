/**
 * Owners by name: looked up in the files that are copied onto, as BuildKit does.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { OwnerSpec } from "../graph/op.ts";
import type { Tree } from "../layer/tree.ts";
import { ContentReader } from "../layer/file_content.ts";

/** Larger account files are not read: no image has them, a hostile one may. */
const LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * The numbers of an owner. A user without a group gets the primary group of its account, or, when it is a number, the
 * same number.
 *
 * @throws {LayerwrightError} `COPY_OWNER_UNKNOWN` for a name that the image's own files do not have.
 */
export function resolveOwner(
  owner: OwnerSpec,
  base: Tree,
): { readonly uid: number; readonly gid: number } {
  const user = number(owner.user);
  const account = user === undefined ? lookUp(base, "etc/passwd", owner.user, "user") : undefined;
  const uid = user ?? number(account?.[2] ?? "");
  const gid = owner.group === undefined
    ? number(account?.[3] ?? "") ?? uid
    : number(owner.group) ?? number(lookUp(base, "etc/group", owner.group, "group")[2] ?? "");
  if (uid === undefined || gid === undefined) {
    throw new LayerwrightError(
      "COPY_OWNER_UNKNOWN",
      `Cannot give files to "${owner.user}": its line in the image's "/etc/passwd" or "/etc/group" has no number`,
    );
  }
  return { uid, gid };
}

/** True when the answer depends on files of the image. */
export function isNamed(owner: OwnerSpec): boolean {
  return number(owner.user) === undefined ||
    (owner.group !== undefined && number(owner.group) === undefined);
}

function number(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= 0xffff_fffe ? Number(text) : undefined;
}

/** The fields of the line that begins with a name. */
function lookUp(base: Tree, path: string, name: string, kind: string): string[] {
  const entry = base.get(base.resolve(path, { followLast: true }));
  const names: string[] = [];
  if (entry?.type === "file" && entry.sizeBytes <= LIMIT_BYTES) {
    using reader = new ContentReader();
    const decoder = new TextDecoder();
    let text = "";
    reader.read(entry, (piece) => text += decoder.decode(piece, { stream: true }));
    for (const line of text.split("\n")) {
      const fields = line.split(":");
      if (fields[0] === name) return fields;
      if (fields[0] !== undefined && fields[0] !== "" && !line.startsWith("#")) {
        names.push(fields[0]);
      }
    }
  }
  throw new LayerwrightError(
    "COPY_OWNER_UNKNOWN",
    `Cannot give files to ${kind} "${name}": the image has no such ${kind}`,
    {
      details: [
        names.length === 0
          ? `the image has no "/${path}"`
          : `"/${path}" has ${names.slice(0, 20).join(", ")}`,
      ],
      hint: `use a number, or create the ${kind} in an earlier step`,
    },
  );
}
