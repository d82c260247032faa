/**
 * What a system call's refusal means to someone who unpacks a layer.
 *
 * @module
 */
import { type ErrorCode, LayerwrightError, systemErrorCode } from "../errors.ts";

const MEANINGS: Readonly<Record<string, { readonly code: ErrorCode; readonly hint: string }>> = {
  ENOSPC: { code: "STORE_FULL", hint: "make room on the file system" },
  EDQUOT: { code: "STORE_FULL", hint: "make room in the quota of this user" },
  ENAMETOOLONG: {
    code: "LAYER_LIMIT",
    hint: "the layer holds a name that this file system cannot",
  },
  EPERM: {
    code: "HOST_UNSUPPORTED",
    hint: "unpack as root or in a user namespace that maps the owners, or without owners",
  },
};

/** Names the root and the fix; the system call's message holds the path. An error of ours stays as it is. */
export function unpackError(error: unknown, root: string): unknown {
  const code = systemErrorCode(error);
  if (error instanceof LayerwrightError || code === undefined) return error;
  const meaning = MEANINGS[code] ?? { code: "STORE_UNWRITABLE" as const, hint: undefined };
  const detail = error instanceof Error ? error.message : code;
  return new LayerwrightError(
    meaning.code,
    `Cannot unpack into ${JSON.stringify(root)}: ${detail}`,
    { hint: meaning.hint, cause: error },
  );
}
