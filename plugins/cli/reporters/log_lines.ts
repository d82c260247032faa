/**
 * The output of one step, cut into lines.
 *
 * @module
 */
import { logTimeText } from "./go_number.ts";

/** One complete line of a step's output, without its newline. */
export interface LogLine {
  /** Seconds since the step started, when the first byte of the line came. */
  readonly time: string;
  readonly text: string;
}

/** How many lines are kept to be shown again when the step fails. */
const TAIL_LINES = 20;
/** A step that never ends its line must not fill the memory: beyond this it is cut. */
const LINE_LIMIT = 65_536;

/**
 * Cuts a step's output into lines. Both streams share one line, as on a terminal, but each has its own decoder:
 * a character may be split between two pieces of one stream with the other's bytes in between.
 */
export class LogLines {
  readonly #decoders = {
    stdout: new TextDecoder("utf-8", { ignoreBOM: true }),
    stderr: new TextDecoder("utf-8", { ignoreBOM: true }),
  };
  #time = "";
  #partial = "";
  #tail: LogLine[] = [];

  /** Adds output that came `sinceStartMs` after the step started; returns the lines it completed. */
  push(stream: "stdout" | "stderr", bytes: Uint8Array, sinceStartMs: number): LogLine[] {
    return this.#add(this.#decoders[stream].decode(bytes, { stream: true }), sinceStartMs);
  }

  /** Ends the output; returns the line that was never finished, if there is one. */
  end(sinceStartMs: number): LogLine[] {
    const rest = this.#decoders.stdout.decode() + this.#decoders.stderr.decode();
    const lines = this.#add(rest, sinceStartMs);
    return this.#partial === "" ? lines : [...lines, this.#complete("")];
  }

  /** The last lines, oldest first: at most 20. */
  get tail(): readonly LogLine[] {
    return this.#tail.slice(-TAIL_LINES);
  }

  #add(text: string, sinceStartMs: number): LogLine[] {
    const pieces = text.split("\n");
    const last = pieces.pop() ?? "";
    const lines = pieces.map((piece) => {
      if (this.#partial === "") this.#time = logTimeText(sinceStartMs);
      return this.#complete(piece);
    });
    if (last !== "" && this.#partial === "") this.#time = logTimeText(sinceStartMs);
    this.#partial += last;
    if (this.#partial.length > LINE_LIMIT) lines.push(this.#complete(""));
    return lines;
  }

  #complete(piece: string): LogLine {
    const line = { time: this.#time, text: this.#partial + piece };
    this.#partial = "";
    this.#tail.push(line);
    // Cut now and then instead of at each line: shifting an array on every line would be felt.
    if (this.#tail.length > 50 * TAIL_LINES) this.#tail = this.#tail.slice(-TAIL_LINES);
    return line;
  }
}
