/**
 * Values in explanations: short, on one line, and free of what should not be shown.
 *
 * @module
 */
import { canonicalJson } from "../graph/canonical_json.ts";
import { isDigest } from "../oci/digest.ts";

/** Characters of a value in a line for people. */
const LINE_LIMIT = 60;
/** Characters of a value in data: enough for a tool, too few to be a file. */
const DATA_LIMIT = 400;
/** Characters before the first difference that say where in a long text it is. */
const LEAD = 12;

/** What stands for a value that is not shown. */
export const HIDDEN = "(not shown)";

// The words of BuildKit's check SecretsUsedInArgOrEnv.
const SECRET_WORD =
  /(?:^|_)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;

/** Whether a variable of this name is likely to hold what must not be printed. */
export function isSecretName(name: string): boolean {
  return SECRET_WORD.test(name) && !/(?:^|_)public(?:_|$)/i.test(name);
}

/** One value. */
export function shownValue(value: unknown): string {
  if (value === undefined || value === null) return "none";
  if (typeof value === "string" && isDigest(value)) return shortDigest(value);
  const text = withoutCredentials(typeof value === "string" ? value : canonicalJson(value));
  const cut = text.length > LINE_LIMIT ? `${sliceText(text, 0, LINE_LIMIT - 1)}…` : text;
  return typeof value === "string" ? JSON.stringify(cut) : cut;
}

/**
 * `old → new`. Of long texts, the part where they begin to differ.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { shownChange } from "./shown_value.ts";
 * assert.equal(shownChange("a", undefined), '"a" → none');
 * ```
 */
export function shownChange(before: unknown, after: unknown): string {
  if (typeof before !== "string" || typeof after !== "string") {
    return `${shownValue(before)} → ${shownValue(after)}`;
  }
  if (isDigest(before) && isDigest(after)) {
    return `${shortDigest(before)} → ${shortDigest(after)}`;
  }
  const [left, right] = [withoutCredentials(before), withoutCredentials(after)];
  let same = 0;
  while (same < left.length && left[same] === right[same]) same++;
  const isLong = Math.max(left.length, right.length) > LINE_LIMIT;
  const start = isLong && same > LEAD ? same - LEAD : 0;
  const part = (text: string): string => {
    const end = start + LINE_LIMIT - 2;
    return JSON.stringify(
      (start > 0 ? "…" : "") + sliceText(text, start, end) + (text.length > end ? "…" : ""),
    );
  };
  return `${part(left)} → ${part(right)}`;
}

/** A value for tools: as it is, but never long. */
export function boundedValue(value: unknown): unknown {
  if (value === undefined || typeof value === "number" || typeof value === "boolean") return value;
  const text = withoutCredentials(typeof value === "string" ? value : canonicalJson(value));
  if (text.length > DATA_LIMIT) return `${sliceText(text, 0, DATA_LIMIT - 1)}…`;
  return typeof value === "string" ? text : value;
}

/** `1,204 bytes`, in no locale. */
export function shownSize(bytes: unknown): string {
  return String(bytes).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** `0644`. */
export function shownMode(mode: unknown): string {
  return typeof mode === "number" ? mode.toString(8).padStart(4, "0") : "none";
}

function shortDigest(digest: string): string {
  return `${digest.slice(0, digest.indexOf(":") + 13)}…`;
}

/** URLs of proxies and repositories carry passwords. */
function withoutCredentials(text: string): string {
  return text.replace(/(:\/\/)[^/@\s"']+@/g, "$1…@");
}

/** A part of a text that ends with no half of a surrogate pair. */
function sliceText(text: string, start: number, end: number): string {
  return text.slice(start, end).toWellFormed().replace(/^\ufffd|\ufffd$/g, "");
}
