/**
 * The displays of progress, as a plugin, and the seam for verbs of the command line. The command line itself is
 * `main.ts`, which is loaded by those who run it: a recipe that builds itself needs no parser of arguments.
 *
 * @module
 */
import process from "node:process";
import { definePlugin, type Plugin } from "../../core/mod.ts";
import { readSourceFile, standardError } from "./process_streams.ts";
import { parseProgressMode, selectReporter } from "./reporters/select_reporter.ts";

export type { CliCommand, CliContext, CliEngine, CliIo, ResultSink } from "./command.ts";
export type { MainOptions } from "./main.ts";
export type { TextSink } from "./reporters/text_sink.ts";

/** Shows the progress of builds on standard error. */
export const cliPlugin: Plugin = definePlugin({
  name: "cli",
  progress: (mode) =>
    selectReporter(parseProgressMode(mode === "auto" ? undefined : mode, process.env), {
      sink: standardError,
      environment: process.env,
      readSource: readSourceFile,
    }),
});
