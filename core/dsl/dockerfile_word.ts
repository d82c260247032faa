/**
 * Texts as a Dockerfile can hold them.
 *
 * @see Dockerfile reference, "Environment replacement"; the BuildKit parser where that is silent
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { type CallSite, resolveCallSite } from "./call_site.ts";

/** Means the same to every parser involved, in any place. */
const PLAIN = /^[A-Za-z0-9_./:@%+,=~*?!-]+$/;
// The parser's limit is 65,535 bytes for a line.
const LINE_LIMIT = 16_000;

/** The refusal of what no Dockerfile can say. */
export function unsayable(what: string, site: CallSite | undefined): LayerwrightError {
  return new LayerwrightError("RECIPE_INVALID", `Cannot print the image as a Dockerfile: ${what}`, {
    at: site === undefined ? undefined : resolveCallSite(site),
    hint: "build it from the recipe, or say this step in another way",
  });
}

/** A word of its own: bare, or in double quotes. */
export function word(text: string, site: CallSite): string {
  if (PLAIN.test(text)) return text;
  if (/[\n\r]/.test(text)) {
    throw unsayable(`${JSON.stringify(text)} has a line break, which no word can hold`, site);
  }
  return `"${text.replace(/[\\"$]/g, "\\$&")}"`;
}

/** The value of a flag, where neither quotes nor escapes help. */
export function flagValue(text: string, site: CallSite): string {
  if (PLAIN.test(text) && !text.includes(",")) return text;
  throw unsayable(`${JSON.stringify(text)} cannot stand in a flag`, site);
}

/** Words that are expanded one by one: bare where that is possible, else as a JSON array. */
export function pathList(paths: readonly string[]): string {
  const bare = paths.every((path) => PLAIN.test(path)) && !paths[0]?.startsWith("--");
  return bare ? paths.join(" ") : expandedJson(paths);
}

/** A JSON array whose elements are expanded like words. */
export function expandedJson(texts: readonly string[]): string {
  return json(texts.map((text) => text.replace(/[\\'"$]/g, "\\$&")));
}

/** A JSON array. */
export function json(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(", ")}]`;
}

/** Whether a text after an instruction's name is read as it stands. */
export function isLine(text: string): boolean {
  return text.length < LINE_LIMIT && !/[\n\r]|^\s|[\s\\]$|^--|^$/.test(text) && !isJsonArray(text);
}

function isJsonArray(text: string): boolean {
  if (!text.startsWith("[")) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a text can be the body of a here-document that ends with `name`. */
export function fitsHereDocument(name: string, text: string): boolean {
  return (text === "" || text.endsWith("\n")) && !text.includes("\r") &&
    !text.split("\n").includes(name);
}
