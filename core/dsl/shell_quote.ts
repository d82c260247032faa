/**
 * Values inside shell commands, quoted so that a POSIX shell takes each for one word, whatever is in it.
 *
 * @see POSIX.1-2024, Shell Command Language, 2.2 "Quoting"
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { type ShellPlace, shellPlaceAfter } from "./shell_place.ts";

/** A command for a shell, made by {@link sh}. */
export interface ShellCommand {
  readonly kind: "shell-command";
  readonly script: string;
}

/** What may stand in an {@link sh} template. */
export type ShellValue = string | number | ShellCommand | readonly (string | number)[];

/**
 * Writes a command for a POSIX shell. Every value becomes one quoted word, an array one word for each of its
 * values, and another `sh` command stays as it is.
 *
 * Quotes cannot protect a value everywhere (inside double quotes `$(…)` still runs), so a value may only
 * stand where words stand: not inside quotes, here-documents, comments, backticks or arithmetic.
 *
 * @throws {LayerwrightError} `RECIPE_INVALID` for a value in such a place, or one with a NUL character.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { sh } from "./shell_quote.ts";
 * const files = ["a b", "it's"];
 * assert.equal(sh`cat ${files} > /out`.script, String.raw`cat 'a b' 'it'\''s' > /out`);
 * assert.throws(() => sh`echo "${"$(id)"}"`, { code: "RECIPE_INVALID" });
 * ```
 */
export function sh(texts: TemplateStringsArray, ...values: readonly ShellValue[]): ShellCommand {
  let script = "";
  texts.forEach((text: string | undefined, index) => {
    if (text === undefined) {
      throw invalid(texts, "it has an escape sequence that JavaScript does not know");
    }
    script += text;
    if (index >= values.length) return;
    const value = values[index];
    if (value === undefined || value === null) {
      throw invalid(texts, `value ${index + 1} is ${value}`);
    }
    if (isShellCommand(value)) {
      script += value.script;
      return;
    }
    // From the start each time: a piece may end in the middle of what the next one completes.
    const place = shellPlaceAfter(script);
    if (place !== "words") {
      throw invalid(
        texts,
        `value ${index + 1} stands ${PLACES[place]}, where quotes do not protect it`,
      );
    }
    const words = typeof value === "object" ? value : [value];
    script += words.map((word) => quoteWord(texts, String(word))).join(" ");
  });
  return Object.freeze({ kind: "shell-command", script });
}

/** Whether a value is a command made by {@link sh}. */
export function isShellCommand(value: unknown): value is ShellCommand {
  return typeof value === "object" && value !== null && "kind" in value &&
    value.kind === "shell-command";
}

function quoteWord(texts: TemplateStringsArray, word: string): string {
  if (word.includes("\0")) {
    throw invalid(texts, "a value has a NUL character, which no argument can carry");
  }
  // Always quoted: bare digits before ">" would be a file descriptor, a bare "if" a keyword.
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

const PLACES: Readonly<Record<Exclude<ShellPlace, "words">, string>> = {
  "single-quotes": "inside single quotes",
  "double-quotes": "inside double quotes",
  "backticks": "inside backticks",
  "comment": "inside a comment",
  "escape": "right after a backslash",
  "dollar": 'right after a "$"',
  "dollar-quotes": "inside or after $'…'",
  "nested-substitution": "inside or after a substitution in double quotes",
  "here-document": "inside or after a here-document",
  "arithmetic": "inside or after arithmetic",
};

function invalid(texts: TemplateStringsArray, state: string): LayerwrightError {
  const shown = texts.join("${…}");
  return new LayerwrightError(
    "RECIPE_INVALID",
    `Cannot write shell command ${JSON.stringify(shown)}: ${state}`,
    {
      hint:
        "let the value be a word of its own, or pass it in the environment: { env: { NAME: value } }",
    },
  );
}
