/**
 * The colours of the terminal display, as BuildKit has them and lets them be set.
 *
 * @module
 */

/** SGR parameters by what they mark; an empty one leaves text as it is. */
export interface Colors {
  readonly run: string;
  readonly cancel: string;
  readonly error: string;
  readonly warning: string;
  /** What is said beside the steps: their output, why they run. */
  readonly faint: string;
}

/** No colour at all. */
export const plainColors: Colors = { run: "", cancel: "", error: "", warning: "", faint: "" };

const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/**
 * Chooses colours by the environment: none with `NO_COLOR`, else BuildKit's, changed by `BUILDKIT_COLORS`
 * (`run=light-green:error=200,30,30`). What it says wrongly is left out: a colour is no reason to stop a build.
 *
 * @see https://no-color.org
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { colorsOf } from "./colors.ts";
 * assert.equal(colorsOf({ BUILDKIT_COLORS: "run=1,2,3:error=nope" }).run, "38;2;1;2;3");
 * assert.equal(colorsOf({ NO_COLOR: "1" }).run, "");
 * ```
 */
export function colorsOf(environment: Readonly<Record<string, string | undefined>>): Colors {
  if (environment.NO_COLOR !== undefined && environment.NO_COLOR !== "") return plainColors;
  const colors = { run: "34", cancel: "33", error: "31", warning: "33", faint: "2" };
  for (const field of (environment.BUILDKIT_COLORS ?? "").split(":")) {
    const [key = "", value = ""] = field.toLowerCase().split("=");
    const code = colorCode(value);
    if (
      code !== undefined &&
      (key === "run" || key === "cancel" || key === "error" || key === "warning")
    ) {
      colors[key] = code;
    }
  }
  return colors;
}

/** Wraps text in a colour. */
export function paint(text: string, code: string): string {
  return code === "" ? text : `\u001b[${code}m${text}\u001b[0m`;
}

function colorCode(value: string): string | undefined {
  if (value === "default") return "39";
  const index = NAMES.indexOf(value.replace(/^light-/, ""));
  if (index >= 0) return String((value.startsWith("light-") ? 90 : 30) + index);
  const parts = value.split(",");
  const isTriple = parts.length === 3 &&
    parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
  return isTriple ? `38;2;${parts.map(Number).join(";")}` : undefined;
}
