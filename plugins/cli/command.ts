/**
 * The seam for verbs of the command line, and what a verb gets to work with.
 *
 * @module
 */
import type { Command } from "commander";
import type { BuildTarget, Engine, Graph, GraphOptions } from "../../core/mod.ts";
import type { TextSink } from "./reporters/text_sink.ts";

/** What the built-in verbs need of an engine. */
export interface CliEngine extends
  Pick<
    Engine,
    | ("build" | "plan" | "explain" | "verify" | "builds" | "steps" | "shell")
    | ("probe" | "prune" | "removeStore" | "serve" | "cacheMounts")
  > {
  graph(target: BuildTarget, options?: GraphOptions): Graph | Promise<Graph>;
}

/** Adds one verb (or a group of them). */
export interface CliCommand {
  /** Adds the verb to the program. Its action throws to fail; whatever it throws is reported in one place. */
  register(program: Command, context: CliContext): void;
}

/** Where results go: nothing else is ever written there. */
export interface ResultSink {
  write(data: string | Uint8Array): void;
  readonly isTty: boolean;
}

/** Where answers come from, and for one verb all it does. */
export interface InputSource {
  /** All that comes, until it ends or the signal fires. To be called once. */
  read(signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/** The surroundings of one call of the command line: streams, environment, and how it is interrupted. */
export interface CliIo {
  /** Absent where nobody can answer. */
  readonly stdin?: InputSource;
  readonly stdout: ResultSink;
  readonly stderr: TextSink;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Somebody can type into standard input. */
  readonly stdinIsTty?: () => boolean;
  /** Absolute; relative operands are below it. */
  readonly workingDirectory: string;
  /** Fires when the user wants the command to end; the reason is the name of a signal. */
  readonly interrupt?: AbortSignal;
  /** Verbs besides the built-in ones. */
  readonly commands?: readonly CliCommand[];
}

/** What a verb gets to work with. */
export interface CliContext {
  readonly engine: CliEngine;
  readonly io: CliIo;
  /** Operands and options as they were given, without the program's name. */
  readonly argv: readonly string[];
  /** Sets the exit code of a verb that did its work and passes on another program's answer. */
  setExitCode(code: number): void;
  /** Makes errors of this call JSON, one object a line, for those who asked for progress in that form. */
  reportErrorsAsJson(): void;
}
