/**
 * Where a reporter writes: standard error, or a screen in a test.
 *
 * @module
 */

/** A stream of text and what is known about the terminal behind it. */
export interface TextSink {
  write(text: string): void;
  /** Width in characters; undefined (some pseudo terminals say 0) where unknown. */
  columns(): number | undefined;
  /** Height in lines; undefined or 0 where unknown. */
  rows(): number | undefined;
  readonly isTty: boolean;
}
