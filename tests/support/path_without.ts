/**
 * A PATH on which one program cannot be found.
 *
 * @module
 */
import { readdirSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { temporaryDirectory } from "./temporary_directory.ts";

/** `using path = pathWithout("crun")`: `path.value` is for the environment of a child process. */
export function pathWithout(program: string): Disposable & { readonly value: string } {
  const directory = temporaryDirectory();
  const seen = new Set([program]);
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of namesIn(folder)) {
      if (seen.has(name)) continue;
      seen.add(name);
      symlinkSync(join(folder, name), join(directory.path, name));
    }
  }
  return { value: directory.path, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
