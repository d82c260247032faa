/**
 * `--output`: where a finished image goes.
 *
 * @see buildx, `docker buildx build --output`
 * @module
 */
import { LayerwrightError } from "../../core/errors.ts";
import { splitCommaFields } from "./comma_fields.ts";

/** One `--output`, read but not yet given its stream. */
export interface ParsedOutput {
  readonly type: string;
  /** `-` is standard output. */
  readonly dest: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Exporters that write one stream, and do so to standard output when no file is named. */
const STREAMED_TYPES = ["tar", "oci", "docker"];

/**
 * Reads one `--output`: `type=oci,dest=app.tar,…`; a bare path is `type=local,dest=PATH`, `-` is `type=tar,dest=-`.
 * Which types there are is the engine's to know.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` for a field without `=`, a missing type, a missing `dest`.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseOutput } from "./output_option.ts";
 * assert.deepEqual(parseOutput("out"), { type: "local", dest: "out", attributes: {} });
 * assert.deepEqual(parseOutput("type=oci,tar=false,dest=out/"), {
 *   type: "oci",
 *   dest: "out/",
 *   attributes: { tar: "false" },
 * });
 * ```
 */
export function parseOutput(text: string): ParsedOutput {
  const fields = splitCommaFields(text);
  if (fields.length === 1 && fields[0] === text && !text.startsWith("type=")) {
    if (text === "") throw invalid(text, "it is empty");
    return text === "-"
      ? { type: "tar", dest: "-", attributes: {} }
      : { type: "local", dest: text, attributes: {} };
  }
  const values = new Map<string, string>();
  for (const field of fields) {
    const equals = field.indexOf("=");
    const key = field.slice(0, Math.max(0, equals)).trim().toLowerCase();
    if (key === "") throw invalid(text, `${JSON.stringify(field)} is not "key=value"`);
    values.set(key, field.slice(equals + 1));
  }
  const type = values.get("type") ?? "";
  if (type === "") throw invalid(text, "it names no type");
  const dest = values.get("dest") ?? (STREAMED_TYPES.includes(type) ? "-" : "");
  if (type !== "local" && values.get("dest") === "") throw invalid(text, 'its "dest" is empty');
  if (type === "local" && (dest === "" || dest === "-")) {
    throw invalid(text, 'it names no "dest" folder');
  }
  values.delete("type");
  values.delete("dest");
  // fromEntries defines properties: "__proto__" is a key like any other.
  return { type, dest, attributes: Object.fromEntries(values) };
}

function invalid(text: string, why: string): LayerwrightError {
  return new LayerwrightError(
    "OPTION_INVALID",
    `Cannot use --output ${JSON.stringify(text)}: ${why}`,
    {
      hint:
        'write "type=oci,dest=app.tar", a folder for the files alone, or "-" for a tar on standard output',
    },
  );
}
