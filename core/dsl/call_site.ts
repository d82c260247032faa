/**
 * The user's line that made a step: captured cheaply when it is made, read only when it is asked for.
 *
 * @module
 */
import type { SourceLocation } from "../errors.ts";
import { filePathOf } from "../host/file_url.ts";

/** A stack, not yet turned into text: runtimes do that at the first look at `stack`. */
export interface CallSite {
  readonly stack?: string | undefined;
}

// Frames of the project itself are not the user's. As URLs, since the project may be loaded from anywhere.
let ownFolders: readonly string[] | undefined;
function isOwn(file: string): boolean {
  ownFolders ??= ["../", "../../plugins/"].map((folder) =>
    locationName(new URL(folder, import.meta.url).href)
  );
  return ownFolders.some((folder) => file.startsWith(folder));
}

const FRAME =
  /^\s*at (?:async )?(?:.*? \()?((?:file|https?):\/\/.+?|\/.+?|[A-Za-z]:[\\/].+?):(\d+):(\d+)\)?$/;

/** Captures where the call came from. */
export function captureCallSite(): CallSite {
  return new Error();
}

/**
 * The first frame that is the user's: of the recipe, or of a function of the user's own. Bun leaves out
 * functions that end by returning the call, as the language allows: it is their caller then.
 *
 * @returns An absolute path (or the URL of a module that is not a file), line and column; undefined when
 * the stack shows no such frame.
 */
export function resolveCallSite(site: CallSite): SourceLocation | undefined {
  for (const frame of site.stack?.split("\n") ?? []) {
    const match = FRAME.exec(frame);
    if (match === null) continue;
    const [, url = "", line, column] = match;
    const file = locationName(url);
    if (file.includes("<anonymous>") || isOwn(file)) continue;
    return { file, line: Number(line), column: Number(column) };
  }
  return undefined;
}

/** Deno's stacks have URLs with escapes, Bun's have paths. */
function locationName(url: string): string {
  if (!url.startsWith("file://")) return url;
  try {
    return filePathOf(url);
  } catch {
    // A host in the URL, or an escaped slash: no path of this machine, but still a name.
    return url;
  }
}
