/**
 * Where in a shell script a position is: among words, or where a quoted word would not be one.
 *
 * This is no parser: it knows just enough to say "words" only where that is certain in every POSIX shell.
 * A wrong "no" costs the user a reworded command, a wrong "yes" would let a value run as code.
 *
 * @module
 */

/** A position in a script. Where the rules to leave a place depend on the shell, all that follows is in it. */
export type ShellPlace =
  | "words"
  | "single-quotes"
  | "double-quotes"
  | "backticks"
  | "comment"
  /** Right after a backslash that waits for what it escapes. */
  | "escape"
  /** Right after a `$` among words. */
  | "dollar"
  | "dollar-quotes"
  | "nested-substitution"
  | "here-document"
  | "arithmetic";

const ENDLESS: ReadonlySet<ShellPlace> = new Set<ShellPlace>([
  "dollar-quotes",
  "nested-substitution",
  "here-document",
  "arithmetic",
]);

/** The place of the end of a script that goes on. */
export function shellPlaceAfter(script: string): ShellPlace {
  let place: ShellPlace = "words";
  // A "#" starts a comment only where a word could start.
  let inWord = false;
  for (let i = 0; i < script.length && !ENDLESS.has(place); i++) {
    const c = script[i] ?? "";
    switch (place) {
      case "single-quotes":
        if (c === "'") place = "words";
        break;
      case "double-quotes":
        if (c === "\\") i++;
        else if (c === '"') place = "words";
        // What nests in double quotes may have double quotes of its own; a plain ${name} has none.
        else if (c === "`" || /^\$(?:\(|\{(?!\w+\}))/.test(script.slice(i, i + 64))) {
          place = "nested-substitution";
        }
        break;
      case "backticks":
        if (c === "\\") i++;
        else if (c === "`") place = "words";
        break;
      case "comment":
        if (c === "\n") [place, inWord] = ["words", false];
        break;
      case "escape":
        // Backslash and newline vanish together: what comes next may still start a word.
        if (c !== "\n") inWord = true;
        place = "words";
        break;
      case "dollar":
        place = "words";
        if (c === "'") place = "dollar-quotes";
        else if (script.startsWith("((", i) || c === "[") place = "arithmetic";
        else i--;
        break;
      default:
        if (c === "\\") {
          place = "escape";
          break;
        }
        if (c === "'") place = "single-quotes";
        else if (c === '"') place = "double-quotes";
        else if (c === "`") place = "backticks";
        else if (c === "$") place = "dollar";
        else if (c === "#" && !inWord) place = "comment";
        else if (script.startsWith("((", i)) place = "arithmetic";
        else if (script.startsWith("<<<", i)) i += 2;
        else if (script.startsWith("<<", i)) place = "here-document";
        inWord = !/[\s;&|()<>]/.test(c);
    }
  }
  return place;
}
