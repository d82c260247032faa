/**
 * Options of the form `key=value`.
 *
 * @module
 */
import { LayerwrightError } from "../../core/errors.ts";

/** Collects the values of an option that may be given several times. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/**
 * Reads `--build-arg`: `K=V`, or `K` alone for the value in the environment. One that is not there is left out,
 * so that the recipe's default holds.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` without a name.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseBuildArgs } from "./key_value_options.ts";
 * assert.deepEqual(parseBuildArgs(["A=1=2", "HOME", "NONE"], { HOME: "/root" }), { A: "1=2", HOME: "/root" });
 * ```
 */
export function parseBuildArgs(
  values: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const entries: [string, string][] = [];
  for (const text of values) {
    const [name, value] = splitPair("--build-arg", text);
    const known = value ?? (Object.hasOwn(environment, name) ? environment[name] : undefined);
    if (known !== undefined) entries.push([name, known]);
  }
  return Object.fromEntries(entries);
}

/** Reads `--label`: `K=V`, or `K` alone for an empty value. */
export function parseLabels(values: readonly string[]): Record<string, string> {
  return Object.fromEntries(values.map((text) => {
    const [name, value] = splitPair("--label", text);
    return [name, value ?? ""];
  }));
}

/**
 * Reads `--annotation`: `K=V`, with `manifest:` before it or nothing. Other objects that docker can annotate
 * (`index:`, `manifest-descriptor:`) are not made here.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` without a value, or for another object than the manifest.
 */
export function parseAnnotations(values: readonly string[]): Record<string, string> {
  return Object.fromEntries(values.map((text) => {
    const [prefixed, value] = splitPair("--annotation", text);
    if (value === undefined) throw invalid("--annotation", text, "it has no value");
    const object = /^(index|index-descriptor|manifest-descriptor|manifest\[.*\]):/.exec(prefixed)
      ?.[1];
    if (object !== undefined) {
      throw invalid("--annotation", text, `annotations of "${object}" are not supported yet`);
    }
    return [prefixed.replace(/^manifest:/, ""), value];
  }));
}

function splitPair(option: string, text: string): [string, string | undefined] {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === "") throw invalid(option, text, "it has no name");
  return [name, equals < 0 ? undefined : text.slice(equals + 1)];
}

function invalid(option: string, text: string, why: string): LayerwrightError {
  return new LayerwrightError(
    "OPTION_INVALID",
    `Cannot use ${option} ${JSON.stringify(text)}: ${why}`,
    {
      hint: `write ${option} name=value`,
    },
  );
}
