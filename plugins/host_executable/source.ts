/**
 * The source of programs from this machine: `host-executable://NAME` or `host-executable:///PATH`.
 *
 * @module
 */
import type { ResolvedSource, Source, SourceContext, SourceOp } from "../../core/mod.ts";
import { HOST_EXECUTABLE_SCHEME } from "./executable.ts";
import { programEntries } from "./program_entries.ts";

/** Gives the files of a program of this machine: itself, its interpreter, its libraries. */
export const hostExecutableSource: Source = {
  scheme: HOST_EXECUTABLE_SCHEME,
  resolve(op: SourceOp, { contextDirectory }: SourceContext): Promise<ResolvedSource> {
    return Promise.resolve().then(() => ({
      kind: "tree",
      entries: programEntries(op, contextDirectory),
    }));
  },
};
