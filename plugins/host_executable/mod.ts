/**
 * Programs of the machine that builds, as a source of files.
 *
 * @module
 */
import { definePlugin, type Plugin } from "../../core/mod.ts";
import { hostExecutableSource } from "./source.ts";

export { executable, type ExecutableOptions } from "./executable.ts";
export { hostExecutableSource } from "./source.ts";

/** Adds `host-executable://` to an engine. */
export const hostExecutable: Plugin = definePlugin({
  name: "host-executable",
  sources: [hostExecutableSource],
});
