/**
 * JSON as Go's encoding/json prints it, which is how nearly every image in the world is printed.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** How the keys of an object are ordered, and those of the objects in it. */
export interface KeyOrder {
  /** These come first, in this order (as the fields of a Go struct); the others follow, sorted by bytes. */
  readonly first?: readonly string[];
  /** The order inside a key; for an array, inside its elements. */
  readonly inside?: Readonly<Record<string, KeyOrder>>;
}

// Go escapes these so that JSON may stand inside HTML and JavaScript; a reader sees no difference.
const GO_ESCAPES: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/**
 * Prints a JSON value without white space; the bytes depend on the value alone, not on the order its keys
 * were set in. Undefined properties are left out.
 */
export function goJson(value: unknown, order: KeyOrder = {}): string {
  if (Array.isArray(value)) return `[${value.map((item) => goJson(item, order)).join(",")}]`;
  if (typeof value !== "object" || value === null) return goScalar(value);
  const record = value as Readonly<Record<string, unknown>>;
  const { first = [], inside = {} } = order;
  const rest = Object.keys(record).filter((key) => !first.includes(key)).sort(compareBytes);
  const fields: string[] = [];
  for (const key of [...first, ...rest]) {
    if (!Object.hasOwn(record, key) || record[key] === undefined) continue;
    const innerOrder = Object.hasOwn(inside, key) ? inside[key] : undefined;
    fields.push(`${goScalar(key)}:${goJson(record[key], innerOrder)}`);
  }
  return `{${fields.join(",")}}`;
}

function goScalar(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => GO_ESCAPES[c] ?? c);
}

// Go sorts map keys by their UTF-8 bytes; JavaScript's own order differs beyond U+FFFF.
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
