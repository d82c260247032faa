/**
 * What source files import, read from their text.
 *
 * @module
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** The folder of the project. */
export const projectRoot: string = resolve(import.meta.dirname ?? ".", "../..");

/** One import of a file. */
export interface ModuleImport {
  readonly specifier: string;
  readonly typeOnly: boolean;
  /** `import("…")` inside the code, or the type of one: nothing is loaded before it is called. */
  readonly dynamic: boolean;
  /** Deno reads the file before it runs anything, dynamic or not. */
  readonly read: boolean;
}

/** All TypeScript files below a folder. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name === "node_modules" || name.startsWith(".")) return [];
    if (statSync(path).isDirectory()) return sourceFiles(path);
    return name.endsWith(".ts") ? [path] : [];
  });
}

/** All imports of a file. */
export function importsOf(path: string): ModuleImport[] {
  // Comments hold examples with imports of their own.
  const text = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  const found: ModuleImport[] = [];
  for (const match of text.matchAll(/^(?:import|export)\s+(type\s+)?[^;"']*?from\s+"([^"]+)"/gm)) {
    const typeOnly = match[1] !== undefined;
    found.push({ specifier: match[2] ?? "", typeOnly, dynamic: false, read: !typeOnly });
  }
  for (const match of text.matchAll(/^import\s+"([^"]+)"/gm)) {
    found.push({ specifier: match[1] ?? "", typeOnly: false, dynamic: false, read: true });
  }
  for (const match of text.matchAll(/(\btypeof\s+)?\bimport\(\s*"([^"]+)"/g)) {
    const read = match[1] === undefined;
    found.push({ specifier: match[2] ?? "", typeOnly: false, dynamic: true, read });
  }
  return found;
}

/** The file that an import of a file names, from the root; undefined for other packages. */
export function importedFile(path: string, { specifier }: ModuleImport): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return relative(projectRoot, resolve(dirname(path), specifier));
}
