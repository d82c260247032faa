/**
 * The one encoding that is ever hashed.
 *
 * @module
 */

/** A value that canonical JSON can carry. Absent and undefined properties are the same. */
export type CanonicalValue =
  | string
  | number
  | boolean
  | null
  | readonly CanonicalValue[]
  | { readonly [key: string]: CanonicalValue | undefined };

/**
 * Encodes a value so that equal values have equal bytes: keys sorted by UTF-16 code unit (as RFC 8785 does),
 * no white space, safe integers only (no fraction can differ between writers), undefined properties left out.
 *
 * @throws {TypeError} for what JSON cannot carry or two writers could print differently.
 * @see RFC 8785, JSON Canonicalization Scheme (which this is, without fractions)
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { canonicalJson } from "./canonical_json.ts";
 * assert.equal(canonicalJson({ b: [1], a: undefined, A: "é" }), '{"A":"é","b":[1]}');
 * ```
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      // -0 prints as 0 but is another value to Object.is: one spelling, one value.
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
        throw new TypeError(
          `Cannot encode ${Object.is(value, -0) ? "-0" : value}: not a safe integer`,
        );
      }
      return String(value);
    case "object": {
      if (value === null) return "null";
      if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) {
        throw new TypeError("Cannot encode an object that is not plain");
      }
      const record = value as Record<string, unknown>;
      const fields: string[] = [];
      for (const key of Object.keys(record).sort()) {
        if (record[key] !== undefined) {
          fields.push(`${JSON.stringify(key)}:${canonicalJson(record[key])}`);
        }
      }
      return `{${fields.join(",")}}`;
    }
    default:
      throw new TypeError(`Cannot encode a ${typeof value}`);
  }
}
