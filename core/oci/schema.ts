/**
 * The schema pieces that several documents share, and the one way from bytes to a checked document.
 *
 * @module
 */
import * as v from "valibot";
import { type ErrorCode, LayerwrightError } from "../errors.ts";
import { type Digest, isDigest } from "./digest.ts";

/** A schema whose output is `T` for all that pass it. */
export type SchemaOf<T> = v.GenericSchema<unknown, T>;

/** What a parser says when a document is not what it should be. */
export interface DocumentKind {
  /** As it stands in messages: `image config`. */
  readonly name: string;
  readonly code: ErrorCode;
  /** Larger documents are refused before they are parsed. */
  readonly limitBytes: number;
}

// Deeper JSON exists only to exhaust the stack of a reader.
const DEPTH_LIMIT = 100;

/** A field that may be absent. Go prints a nil pointer, map or slice as null, so null means absent too. */
export function optional<T>(schema: SchemaOf<T>): SchemaOf<T | null | undefined> {
  return v.nullish(schema);
}

/** A list, where Go's nil slice (null, or absent) is an empty one. */
export function list<T>(item: SchemaOf<T>): SchemaOf<readonly T[]> {
  return v.pipe(v.nullish(v.array(item)), v.transform((items) => items ?? []));
}

/** An object: unknown keys survive, null ones vanish. The caller vouches that `entries` describe `T`. */
export function record<T>(entries: v.ObjectEntries): SchemaOf<T> {
  return v.pipe(
    v.looseObject(entries),
    v.transform((fields) =>
      Object.fromEntries(
        Object.entries(fields).filter(([, field]) => field !== null && field !== undefined),
      )
    ),
  ) as unknown as SchemaOf<T>;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// valibot's own record() drops keys named "constructor" and the like, which are lawful labels.
/** A map from any string to a string. */
export const stringMap: SchemaOf<Readonly<Record<string, string>>> = v.custom<
  Readonly<Record<string, string>>
>(
  (value) => isPlainObject(value) && Object.values(value).every((item) => typeof item === "string"),
  "not a map of strings",
);

/** A set, as Go writes one: a map to empty objects. */
export const keySet: SchemaOf<Readonly<Record<string, object>>> = v.pipe(
  v.custom<Readonly<Record<string, unknown>>>(isPlainObject, "not a set (a map to {})"),
  v.transform((map) => Object.fromEntries(Object.keys(map).map((key) => [key, {}]))),
);

/** A digest of an algorithm we can compute. */
export const digest: SchemaOf<Digest> = v.custom<Digest>(
  (value) => typeof value === "string" && isDigest(value),
  'not a digest ("sha256:" and 64 lower-case hex digits)',
);

// RFC 6838 §4.2 "restricted-name".
const RESTRICTED_NAME = "[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}";

/** A media type without parameters. */
export const mediaType: SchemaOf<string> = v.pipe(
  v.string(),
  v.regex(new RegExp(`^${RESTRICTED_NAME}/${RESTRICTED_NAME}$`), "not a media type"),
);

/** A number of bytes. */
export const byteCount: SchemaOf<number> = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** RFC 3339, as Go's time.Time prints itself. */
export const timestamp: SchemaOf<string> = v.pipe(
  v.string(),
  v.regex(
    /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/,
    "not an RFC 3339 time",
  ),
);

/** Both families of documents are version 2; version 1 was something else altogether. */
export const schemaVersion: SchemaOf<2> = v.literal(
  2,
  "not 2 (Docker's schema 1 is not supported)",
);

/**
 * Parses bytes from outside into a document.
 *
 * @throws {LayerwrightError} `kind.code`, with one detail line for each thing that is wrong.
 */
export function parseDocument<T>(bytes: Uint8Array, schema: SchemaOf<T>, kind: DocumentKind): T {
  const checked = v.safeParse(schema, parseJson(bytes, kind));
  if (checked.success) return checked.output;
  const details = checked.issues.map((issue) => {
    const path = v.getDotPath(issue);
    return path === null ? issue.message : `${path}: ${issue.message}`;
  });
  throw invalid(kind, details[0] ?? "not valid", { details: details.slice(1) });
}

function parseJson(bytes: Uint8Array, kind: DocumentKind): unknown {
  if (bytes.length > kind.limitBytes) {
    throw invalid(kind, `${bytes.length} bytes, more than the limit of ${kind.limitBytes}`);
  }
  let value: unknown;
  try {
    // With a byte order mark or bytes that are not UTF-8, Go readers see another document or none.
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw invalid(kind, "not JSON", { cause });
  }
  if (!isShallow(value, DEPTH_LIMIT)) {
    throw invalid(kind, `nested deeper than ${DEPTH_LIMIT} levels`);
  }
  return value;
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((item) => isShallow(item, depth - 1));
}

function invalid(
  kind: DocumentKind,
  state: string,
  options: { readonly details?: readonly string[]; readonly cause?: unknown } = {},
): LayerwrightError {
  return new LayerwrightError(kind.code, `Cannot read ${kind.name}: ${state}`, options);
}
