/**
 * What `shell` can be told: plain values.
 *
 * @module
 */
import type { RunOutput } from "../execute/executor.ts";
import type { StepOptions } from "../execute/step_options.ts";

/** Where a program is run, and which. */
export interface ShellOptions extends Pick<StepOptions, "secrets" | "ssh" | "executor"> {
  /** The name of a build, or the end of it; the latest that failed unless given. */
  readonly build?: string;
  /** A step, by its number or a part of its name; the one that failed, else the last one, unless given. */
  readonly step?: string;
  /** What is run instead of a shell. */
  readonly command?: readonly string[];
  /** The kind of terminal, as `TERM` says. */
  readonly terminalType?: string | undefined;
  /** Is told where the program will find itself, before it starts. */
  readonly announce?: (text: string) => void;
  /** What the program writes where standard input is no terminal. */
  readonly output: RunOutput;
  readonly signal?: AbortSignal;
}
