/**
 * How a failure is told.
 *
 * @module
 */
import { LayerwrightError } from "../../core/errors.ts";
import type { CliIo } from "./command.ts";

/**
 * Writes an error to standard error: what we know how to say, with its place and its fix; anything else in one
 * line that asks for a report. Stacks are shown with `LAYERWRIGHT_DEBUG=1` only.
 */
export function reportError(error: unknown, io: CliIo, asJson: boolean): void {
  const isDebug = io.environment.LAYERWRIGHT_DEBUG === "1";
  io.stderr.write(`${asJson ? errorJson(error, isDebug) : errorText(error, isDebug)}\n`);
}

function errorText(error: unknown, isDebug: boolean): string {
  const text = error instanceof LayerwrightError
    ? error.format()
    : `Unexpected error: ${messageOf(error)}\n` +
      "  this is a defect of layerwright\n" +
      "  fix: report it, with what LAYERWRIGHT_DEBUG=1 shows";
  return isDebug ? `${text}\n${stackOf(error)}` : text;
}

function errorJson(error: unknown, isDebug: boolean): string {
  const stack = isDebug ? { stack: stackOf(error) } : {};
  if (!(error instanceof LayerwrightError)) {
    return JSON.stringify({ error: { message: messageOf(error), ...stack } });
  }
  const { code, message, at, details, hint, build } = error;
  return JSON.stringify({ error: { code, message, at, details, hint, build, ...stack } });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The stacks of an error and of those beneath it. */
function stackOf(error: unknown): string {
  const stacks: string[] = [];
  // A chain of causes may be a ring.
  for (let cause = error; cause instanceof Error && stacks.length < 10; cause = cause.cause) {
    stacks.push(cause.stack ?? messageOf(cause));
  }
  return stacks.join("\ncaused by ");
}
