/**
 * The source of programs from this machine: `host-executable://NAME` or `host-executable:///PATH`.
 *
 * @module
 */
import type { ResolvedSource, Source, SourceContext, SourceOp } from "../../core/mod.ts";
import { HOST_EXECUTABLE_SCHEME } from "./executable.ts";

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const ENTRIES: string = "./program_entries.ts";

/** Gives the files of a program of this machine: itself, its interpreter, its libraries. */
export const hostExecutableSource: Source = {
  scheme: HOST_EXECUTABLE_SCHEME,
  async resolve(
    op: SourceOp,
    { contextDirectory, observations }: SourceContext,
  ): Promise<ResolvedSource> {
    const { programEntries }: typeof import("./program_entries.ts") = await import(ENTRIES);
    const look = (path: string, place = false): void => {
      if (place) observations.lookAtPlace(path);
      else observations.lookAt(path);
    };
    return { kind: "tree", entries: programEntries(op, contextDirectory, look), observed: true };
  },
};
