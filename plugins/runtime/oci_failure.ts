/**
 * What a container runtime says when it could not start a step. Its own failures are exit code 1, as many a program's.
 *
 * @module
 */
import { LayerwrightError } from "../../core/errors.ts";

/** As shells have it. */
const NOT_FOUND = 127;
const CANNOT_EXECUTE = 126;

/** What a runtime left. */
export interface RuntimeTraces {
  readonly runtime: "crun" | "runc";
  /** Its log: one JSON object per line. */
  readonly log: string;
  /** All that came out of the step and the runtime, if it is short. */
  readonly output: string;
}

/** How a runtime says that exec failed, when it can only print any more. */
const LAST_WORDS: Readonly<Record<"crun" | "runc", RegExp>> = {
  crun: /^exec container process [^`\n]*`[^`\n]*`: ([^:\n]*)\n$/,
  runc: /^exec \/[^:\n]*: ([^:\n]*)\n$/,
};

/**
 * The last words of a runtime for people, where they come as a line of its log in the place of a step's output.
 *
 * @param output The first that comes.
 */
export function lastWordsIn(output: Uint8Array): Uint8Array | undefined {
  const text = new TextDecoder().decode(output);
  if (!text.startsWith('{"msg":"exec container process ')) return undefined;
  const [message] = errorsIn(text);
  return message === undefined ? undefined : new TextEncoder().encode(`${message}\n`);
}

/** Words of a runtime, and what to do about them. */
const HINTS: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [
    /cgroups in hybrid mode/,
    "unmount /sys/fs/cgroup/unified, or install runc, which copes with both versions of control groups",
  ],
  [
    /rlimit/,
    "this user may not have a limit that the step has: lower its ulimits, or build with CAP_SYS_RESOURCE",
  ],
  [
    /mount[^:]*\bproc\b.*(Operation not permitted|permission denied)/i,
    "something covers files of /proc here, as container engines do: give this container an unmasked /proc",
  ],
  [/seccomp/i, "the seccomp profile does not suit this machine: see /etc/containers/seccomp.json"],
];

/**
 * What exit code 1 of a runtime means.
 *
 * @returns 1 if it is the step's own; 126 or 127, as shells have them, for a program that cannot be executed or is not
 * there.
 * @throws {LayerwrightError} `RUN_WORKER_FAILED` for failures of the runtime itself.
 */
export function meaningOfOne({ runtime, log, output }: RuntimeTraces): number {
  const logged = errorsIn(log).at(-1);
  if (logged !== undefined) {
    const code = codeOf(logged);
    if (code !== undefined) return code;
    const hint = HINTS.find(([pattern]) => pattern.test(logged))?.[1];
    throw new LayerwrightError(
      "RUN_WORKER_FAILED",
      `Cannot start the step: ${runtime} says ${JSON.stringify(logged)}`,
      { hint },
    );
  }
  // The very last call, exec, it can only print about; nothing else has been printed then.
  const reason = LAST_WORDS[runtime].exec(output)?.[1];
  return reason === undefined ? 1 : codeOfReason(reason);
}

function codeOf(message: string): number | undefined {
  const crun = /^(?:executable file|open executable|exec container process)\b.*?(?:: )?([^:]*)$/
    .exec(message);
  const runc = /(?:^|: )exec:? "?[^"]*?"?: (?:.*: )?([^:]*)$/.exec(message);
  const reason = (crun ?? runc)?.[1];
  if (reason === undefined) return undefined;
  return codeOfReason(reason);
}

function codeOfReason(reason: string): number {
  return /no such file or directory|not found in \$PATH/i.test(reason) ? NOT_FOUND : CANNOT_EXECUTE;
}

/** The errors among the lines of a log; warnings come with steps that run. */
function errorsIn(log: string): string[] {
  return log.split("\n").flatMap((line) => {
    try {
      const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown };
      return level !== "warning" && typeof msg === "string" ? [msg] : [];
    } catch {
      return [];
    }
  });
}
