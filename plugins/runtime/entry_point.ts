/**
 * Modules of this folder that run as processes of their own.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/**
 * What to give a runtime to run a module next to this one.
 *
 * @param name Without its extension: that is the one of the module that asks (`.ts`, or `.js` when built).
 * @param from `import.meta.url` of that module.
 */
export function entryPoint(name: string, from: string): string {
  const url = new URL(`./${name}${from.slice(from.lastIndexOf("."))}`, from);
  return url.protocol === "file:" ? fileURLToPath(url) : url.href;
}
