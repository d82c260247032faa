/**
 * Files from outside the recipe, by an identifier: what plugins build their own functions on.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";

/** Files from outside: a base for `from`, or what `copy` and `bindMount` take their files from. */
export interface SourceValue {
  readonly kind: "source";
  readonly identifier: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * Names files from outside, as LLB does: a scheme, `://`, and what that scheme makes of the rest.
 * Which schemes there are depends on the plugins of the engine that builds.
 *
 * @param identifier `docker-image://docker.io/library/debian:12`, `host-executable://bun`.
 * @param attributes Further settings of the scheme.
 * @throws {LayerwrightError} `RECIPE_INVALID` for an identifier without a scheme.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { source } from "./source.ts";
 * assert.equal(source("oci-layout://./base").identifier, "oci-layout://./base");
 * assert.throws(() => source("debian:12"), { code: "RECIPE_INVALID" });
 * ```
 */
export function source(
  identifier: string,
  attributes: Readonly<Record<string, string>> = {},
): SourceValue {
  if (!/^[a-z][a-z0-9+-]*:\/\//.test(identifier)) {
    throw new LayerwrightError(
      "RECIPE_INVALID",
      `Cannot use source ${JSON.stringify(identifier)}: it has no scheme`,
      { hint: 'write the scheme first, as in "docker-image://docker.io/library/debian:12"' },
    );
  }
  return Object.freeze({
    kind: "source",
    identifier,
    attributes: Object.freeze({ ...attributes }),
  });
}

/** Whether a value was made by {@link source}. */
export function isSource(value: unknown): value is SourceValue {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "source";
}
