/**
 * The displays of progress, as a plugin, and the seam for verbs of the command line. The command line itself is
 * `main.ts`, which is loaded by those who run it: a recipe that builds itself needs no parser of arguments.
 *
 * @module
 */
import { definePlugin, type Plugin } from "../../core/mod.ts";

export type { CliCommand, CliContext, CliEngine, CliIo, ResultSink } from "./command.ts";
export type { MainOptions } from "./main.ts";
export type { TextSink } from "./reporters/text_sink.ts";

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const STREAMS: string = "./process_streams.ts";
const REPORTERS: string = "./reporters/select_reporter.ts";

/** Shows the progress of builds on standard error. */
export const cliPlugin: Plugin = definePlugin({
  name: "cli",
  // A build that shows nothing needs no display.
  progress: async (mode) => {
    const { readSourceFile, standardError }: typeof import("./process_streams.ts") = await import(
      STREAMS
    );
    const { parseProgressMode, selectReporter }: typeof import("./reporters/select_reporter.ts") =
      await import(REPORTERS);
    const name = parseProgressMode(mode === "auto" ? undefined : mode, process.env);
    return await selectReporter(name, {
      sink: standardError,
      environment: process.env,
      readSource: readSourceFile,
    });
  },
});
