/**
 * Where the files of a build may come from: what plugins bring, and what needs none.
 *
 * @module
 */
import { ociLayoutSource, storeImageSource } from "../execute/image_source.ts";
import type { Source } from "../execute/source.ts";
import type { EngineParts } from "./engine_parts.ts";

/** The sources of an engine by their schemes, with the built-in ones; a plugin's wins over one of those. */
export function allSources(
  { sources }: Pick<EngineParts, "sources">,
): ReadonlyMap<string, Source> {
  const all = [storeImageSource, ociLayoutSource, ...sources];
  return new Map(all.map((source) => [source.scheme, source]));
}
