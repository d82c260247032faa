/**
 * Errors on their way from one process to another.
 *
 * @module
 */
import { LayerwrightError, systemErrorCode } from "../../core/errors.ts";
import type { ErrorData } from "./protocol.ts";

/** Any error as data. */
export function errorData(error: unknown): ErrorData {
  if (isOfFullDisk(error)) {
    return {
      code: "STORE_FULL",
      message: "Cannot finish the step: no space left for its files on the disk of the store",
      details: [],
      hint: "free disk space, remove images and prune, or set LAYERWRIGHT_HOME to a larger disk",
    };
  }
  if (error instanceof LayerwrightError) {
    const { code, message, details, hint } = error;
    return { code, message, details, hint };
  }
  const { message } = error as Error;
  return { code: "RUN_WORKER_FAILED", message: `Cannot finish the step: ${message}`, details: [] };
}

function isOfFullDisk(error: unknown): boolean {
  const cause = error instanceof LayerwrightError && error.cause !== undefined
    ? error.cause
    : error;
  return ["ENOSPC", "EDQUOT"].includes(systemErrorCode(cause) ?? "");
}
