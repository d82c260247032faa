/**
 * What an engine knows of earlier builds. Light: loaded with the engine.
 *
 * @module
 */
import type { PastBuild, PastStep } from "./past_builds.ts";
import type { ShellOptions } from "./shell_options.ts";

/** This part of an engine. */
export interface EnginePast {
  /** Builds that the store remembers, the latest first: those that ran a step, or failed. */
  builds(): Promise<readonly PastBuild[]>;
  /**
   * A remembered build and its steps, by their names as people give them.
   *
   * @param names The build: its name or the end of it; the latest unless given. The step: its number or a part of its
   * name; all that ran unless given, or the failed one of a build that failed.
   * @throws {LayerwrightError} `BUILD_UNKNOWN`.
   */
  steps(
    names: { readonly build?: string | undefined; readonly step?: string | undefined },
  ): Promise<{ readonly build: PastBuild; readonly steps: readonly PastStep[] }>;
  /**
   * Runs a shell, or another program, where a step of an earlier build ran: in the files it left, with all that was in
   * force. It reads the standard input of this process, and has its terminal. What it changes is thrown away.
   *
   * @returns Its exit code.
   * @throws {LayerwrightError} `BUILD_UNKNOWN` for what is not remembered, or not kept; `RUNTIME_MISSING`; `FILE_MISSING`
   * where there is no shell.
   */
  shell(options: ShellOptions): Promise<number>;
}
