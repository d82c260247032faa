/**
 * What can be wrong with a graph.
 *
 * @module
 */
import type { SourceLocation } from "../errors.ts";

/** Every code a {@link Diagnostic} may carry. */
export type DiagnosticCode =
  | "CHARACTER_INVALID"
  | "COMMAND_INVALID"
  | "CONTEXT_INVALID"
  | "COPY_INVALID"
  | "DURATION_INVALID"
  | "INPUT_INVALID"
  | "MODE_INVALID"
  | "MOUNT_INVALID"
  | "NAME_INVALID"
  | "ONBUILD_INVALID"
  | "OWNER_INVALID"
  | "PATH_INVALID"
  | "PLATFORM_INVALID"
  | "PORT_INVALID"
  | "REFERENCE_INVALID"
  | "SIGNAL_INVALID"
  | "SOURCE_INVALID"
  | "STAGE_INVALID"
  | "TARGET_INVALID"
  | "USER_INVALID"
  | "VALUE_INVALID";

/** One thing that is wrong. */
export interface Problem {
  readonly code: DiagnosticCode;
  /** A sentence without its period: the action, a colon, the state found. */
  readonly message: string;
}

/** One thing that is wrong, and the user's line that it comes from, where known. */
export interface Diagnostic extends Problem {
  readonly at?: SourceLocation;
}
