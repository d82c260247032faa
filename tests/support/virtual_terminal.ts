/**
 * A screen that understands what our display writes, and nothing else: any other control character or
 * sequence is an error, so that a step's output that gets through fails the test.
 */
import type { TextSink } from "../../plugins/cli/reporters/text_sink.ts";
import { textWidth } from "../../plugins/cli/reporters/display_text.ts";

const SEQUENCE = new RegExp("^\u001b\\[(\\?25[lh]|\\d*A|J|K|[0-9;]*m)");
const CONTROL = /^\p{Cc}/u;

/** A terminal as far as progress uses one: a screen of lines. */
export class VirtualTerminal implements TextSink {
  readonly isTty = true;
  readonly scrolledOff: string[] = [];
  cursorVisible = true;
  width: number;
  height: number;
  readonly #lines: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
  }

  columns(): number {
    return this.width;
  }

  rows(): number {
    return this.height;
  }

  write(text: string): void {
    let rest = text;
    while (rest !== "") {
      const sequence = SEQUENCE.exec(rest);
      if (sequence !== null) {
        this.#obey(sequence[1] ?? "");
        rest = rest.slice(sequence[0].length);
        continue;
      }
      const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
      if (character === "\n") this.#newLine();
      else if (character === "\r") this.#column = 0;
      else if (CONTROL.test(character)) {
        throw new Error(`control in ${JSON.stringify(rest.slice(0, 20))}`);
      } else this.#print(character);
      rest = rest.slice(character.length);
    }
  }

  /** What is visible, without blanks at the ends of lines and empty lines at the end. */
  screen(): string[] {
    const lines = this.#lines.map((line) => line.join("").trimEnd());
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  /** All that was ever written and not drawn over. */
  everything(): string[] {
    return [...this.scrolledOff, ...this.screen()];
  }

  #obey(sequence: string): void {
    if (sequence === "?25l" || sequence === "?25h") this.cursorVisible = sequence === "?25h";
    else if (sequence.endsWith("A")) {
      this.#row = Math.max(0, this.#row - Number(sequence.slice(0, -1) || 1));
    } else if (sequence === "K") this.#lines[this.#row]?.splice(this.#column);
    else if (sequence === "J") {
      this.#lines[this.#row]?.splice(this.#column);
      this.#lines.splice(this.#row + 1);
    }
  }

  #newLine(): void {
    this.#column = 0;
    this.#row += 1;
    if (this.#row === this.height) {
      this.scrolledOff.push((this.#lines.shift() ?? []).join("").trimEnd());
      this.#row -= 1;
    }
    if (this.#lines.length <= this.#row) this.#lines.push([]);
  }

  #print(character: string): void {
    const width = textWidth(character);
    if (this.#column + width > this.width) this.#newLine();
    const line = this.#lines[this.#row] ?? [];
    while (line.length < this.#column) line.push(" ");
    line[this.#column] = character;
    if (width === 2) line[this.#column + 1] = "";
    this.#column += width;
  }
}

/** A sink that keeps what is written to it, and is no terminal. */
export class RecordingSink implements TextSink {
  readonly isTty = false;
  text = "";

  write(text: string): void {
    this.text += text;
  }

  columns(): undefined {
    return undefined;
  }

  rows(): undefined {
    return undefined;
  }
}
