/**
 * Which of several programs a root has.
 *
 * @module
 */
import { posix } from "node:path";
import { LayerwrightError } from "../../core/errors.ts";
import type { RunRequest } from "../../core/mod.ts";
import { resolveInRoot } from "./resolve_in_root.ts";

/** What a request runs: the first of its candidates whose program is there, else what it names alone. */
export function chooseProgram(
  root: string,
  { args, candidates, environment }: Pick<RunRequest, "args" | "candidates" | "environment">,
): readonly string[] {
  if (candidates === undefined) return args;
  const path = environment.find((variable) => variable.startsWith("PATH="))?.slice("PATH=".length);
  const found = candidates.find(([program = ""]) => isThere(root, program, path ?? ""));
  if (found !== undefined) return found;
  throw new LayerwrightError(
    "FILE_MISSING",
    `Cannot open a shell: the files of the step have none of ${
      candidates.map((candidate) => JSON.stringify(candidate.join(" "))).join(", ")
    }`,
    { hint: 'name a program that is there, after "--"' },
  );
}

function isThere(root: string, program: string, path: string): boolean {
  const places = program.includes("/")
    ? [program]
    : path.split(":").map((folder) => posix.join("/", folder, program));
  return places.some((place) => {
    const { stats } = resolveInRoot(root, place);
    return stats?.isFile() === true && (stats.mode & 0o111) !== 0;
  });
}
