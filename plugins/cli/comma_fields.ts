/**
 * Comma-separated fields, quoted as in CSV: how docker's options hold several values.
 *
 * @see RFC 4180, section 2; Go's encoding/csv, which buildx reads its options with
 * @module
 */
import { LayerwrightError } from "../../core/errors.ts";

/**
 * Splits one record. A field in double quotes may hold commas; a double quote inside it is doubled.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` for a quote that is not closed or stands inside a bare field.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { splitCommaFields } from "./comma_fields.ts";
 * assert.deepEqual(splitCommaFields('type=oci,"dest=a,b.tar"'), ["type=oci", "dest=a,b.tar"]);
 * ```
 */
export function splitCommaFields(text: string): string[] {
  const fields: string[] = [];
  let rest = text;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(?=,|$)/.exec(rest);
    const bare = /^[^",]*(?=,|$)/.exec(rest);
    const match = quoted ?? bare;
    if (match === null) {
      throw new LayerwrightError(
        "OPTION_INVALID",
        `Cannot read ${JSON.stringify(text)}: a double quote is out of place`,
        { hint: 'put the whole field in quotes ("dest=a,b") and double those inside it' },
      );
    }
    fields.push(quoted?.[1]?.replaceAll('""', '"') ?? match[0]);
    if (match[0].length === rest.length) return fields;
    rest = rest.slice(match[0].length + 1);
  }
}
