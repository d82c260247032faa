/**
 * `--format`: in which form a verb prints.
 *
 * @module
 */
import { LayerwrightError, nearestName } from "../../core/mod.ts";

/**
 * Checks a form against those a verb knows.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` for another, listing those.
 */
export function parseFormat<Format extends string>(text: string, known: readonly Format[]): Format {
  const format = known.find((name) => name === text);
  if (format !== undefined) return format;
  const nearest = nearestName(text, known);
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot print as --format ${JSON.stringify(text)}: unknown form` +
      (nearest === undefined ? "" : `, did you mean "${nearest}"?`),
    { hint: `use one of ${known.join(", ")}` },
  );
}
