/**
 * What can go wrong while a build context is read, in words that name the path and the way out.
 *
 * @module
 */
import { LayerwrightError, systemErrorCode } from "../errors.ts";

/** Stands for bytes that are not UTF-8 in the names that runtimes give us. */
export const REPLACEMENT_CHARACTER: string = "\uFFFD";

/** Something that was listed is gone, or is something else now. */
export function fileChanged(description: string, path: string, cause?: unknown): LayerwrightError {
  return new LayerwrightError(
    "CONTEXT_FILE_CHANGED",
    `Cannot read ${
      JSON.stringify(path)
    } in ${description}: it went away while the context was read`,
    { hint: "build again once nothing writes to the context", cause },
  );
}

/** A name that has no string: which bytes it holds, no runtime tells reliably. */
export function nameNotUtf8(description: string, path: string): LayerwrightError {
  const escaped = path.replaceAll(REPLACEMENT_CHARACTER, "\\x??");
  return new LayerwrightError(
    "CONTEXT_NAME_NOT_UTF8",
    `Cannot read "${escaped}" in ${description}: the name is not UTF-8 where "\\x??" stands`,
    { hint: "rename it, or exclude it in .dockerignore" },
  );
}

/** The same of what a symbolic link points at. */
export function targetNotUtf8(description: string, path: string): LayerwrightError {
  return new LayerwrightError(
    "CONTEXT_NAME_NOT_UTF8",
    `Cannot read symbolic link ${JSON.stringify(path)} in ${description}: its target is not UTF-8`,
    { hint: "change the link, or exclude it in .dockerignore" },
  );
}

/** Translates a failed system call on `file`, which is `path` in the context (empty for its root). */
export function contextReadError(
  description: string,
  failure: { readonly path: string; readonly file: string; readonly error: unknown },
): LayerwrightError {
  const { path, file, error } = failure;
  if (error instanceof LayerwrightError) return error;
  const code = systemErrorCode(error);
  // EINVAL: readlink(2) of what is no longer a link.
  if (code === "ENOENT" || code === "ENOTDIR" || code === "EINVAL") {
    return fileChanged(description, path, error);
  }
  const where = path === "" ? description : `${JSON.stringify(path)} in ${description}`;
  if (code === "ENAMETOOLONG") {
    return new LayerwrightError(
      "CONTEXT_LIMIT",
      `Cannot read ${where}: the path is longer than the system allows`,
      { hint: "exclude it in .dockerignore", cause: error },
    );
  }
  const why = code === "EACCES" || code === "EPERM" ? "permission denied" : code ?? String(error);
  const exclude = path === "" ? "" : ", or exclude it in .dockerignore";
  return new LayerwrightError("CONTEXT_UNREADABLE", `Cannot read ${where}: ${why}`, {
    hint: `make it readable (chmod u+rX ${JSON.stringify(file)})${exclude}`,
    cause: error,
  });
}
