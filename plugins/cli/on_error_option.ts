/**
 * `--on-error`: what happens when a step of a build fails.
 *
 * @module
 */
import { LayerwrightError, nearestName } from "../../core/mod.ts";
import type { CliContext } from "./command.ts";
import { shellSurroundings } from "./commands/shell.ts";

/** What `--on-error` may say. */
export const onErrorModes = ["fail", "shell"] as const;

/**
 * Reads the option. A shell is for people: without a terminal to read from and one to be told on, a failure is a
 * failure.
 *
 * @returns Whether a failed step is to be looked around in.
 * @throws {LayerwrightError} `OPTION_INVALID`.
 */
export function wantsShell(option: string | undefined, { io }: CliContext): boolean {
  const mode = option ?? "fail";
  if (!onErrorModes.some((known) => known === mode)) {
    const nearest = nearestName(mode, onErrorModes);
    throw new LayerwrightError(
      "OPTION_INVALID",
      `Cannot do ${JSON.stringify(mode)} on errors: unknown` +
        (nearest === undefined ? "" : `, did you mean "${nearest}"?`),
      { hint: `use one of ${onErrorModes.join(", ")}` },
    );
  }
  return mode === "shell" && io.stderr.isTty && io.stdinIsTty?.() === true;
}

/** Opens a shell where a program of a step has failed; for any other error it does nothing. */
export async function lookAround(
  error: unknown,
  { engine, io }: CliContext,
  given: Pick<Parameters<CliContext["engine"]["shell"]>[0], "secrets" | "ssh" | "executor">,
): Promise<void> {
  if (!(error instanceof LayerwrightError) || error.code !== "RUN_FAILED") return;
  if (error.build === undefined) return;
  try {
    await engine.shell({ build: error.build, ...given, ...shellSurroundings(io) });
  } catch (cause) {
    // What the user has to know is why the step failed; this comes on top.
    const text = cause instanceof LayerwrightError ? cause.format() : String(cause);
    io.stderr.write(`${text}\n`);
  }
}
