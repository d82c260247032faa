/**
 * The seam between the engine and where files outside the graph come from.
 *
 * A source is chosen by the scheme of a {@link SourceOp}'s identifier. It looks things up and says what it
 * found. Content it brings into the store has no name there: `plan` may ask it too.
 *
 * @module
 */
import type { SourceOp } from "../graph/op.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import type { Store } from "../store/store.ts";
import type { LayerRef } from "./vertex_result.ts";

/** Answers for one scheme of source identifiers. */
export interface Source {
  /** What stands before `://`: lower-case letters, digits, `+`, `-`. */
  readonly scheme: string;
  /**
   * Finds what an identifier means now. The same state of the world gives the same answer.
   *
   * @throws {LayerwrightError} `SOURCE_MISSING` or a code of the source's own, naming the identifier.
   */
  resolve(op: SourceOp, context: SourceContext): Promise<ResolvedSource>;
}

/** What the engine lends a source. */
export interface SourceContext {
  /** Ends a look-up that takes long. */
  readonly signal?: AbortSignal;
  /** The store of the build: images are found there, or brought there. */
  readonly store: Store;
  /** The folder that relative paths begin at. */
  readonly contextDirectory: string;
  /**
   * Takes note of what a source looks at, each time before it reads it, so that an unchanged build need not ask the
   * source again. See {@link ResolvedTree.observed}.
   */
  readonly observations: SourceObservations;
  /** Shows what a source that takes long is doing: one line, without its end. */
  log?(line: string): void;
  /** Shows what people should know of the answer, in one line. The build goes on, and the next one asks the source again. */
  warn?(text: string): void;
}

/** What a source can depend on. */
export interface SourceObservations {
  /** Takes note of a path, whether something is there or not. To be called before the path is read or listed. */
  lookAt(path: string): void;
  /** As {@link lookAt}, of a path whose directory is gone through and not listed. */
  lookAtPlace(path: string): void;
  /** Takes note of the digest that a name has in the store. */
  addImage(reference: string, digest: string): void;
}

/** What a source found. */
export type ResolvedSource = ResolvedTree | ResolvedImage;

/** Files, each with its content on disk or in memory. */
export interface ResolvedTree {
  readonly kind: "tree";
  /** One entry per path, parents before what they hold, sorted by the bytes of the path. */
  readonly entries: readonly FileEntry[];
  /**
   * True if the answer follows from the operation, the working directory, `PATH`, the runtime's own file, and what
   * {@link SourceContext.observations} was told of. Unless it is, every build asks the source.
   */
  readonly observed?: boolean;
}

/** An image: its config and its layers, base layer first. */
export interface ResolvedImage {
  readonly kind: "image";
  /** The image config as it was stored, byte for byte; all its layers are in the store. */
  readonly config: Uint8Array;
  readonly layers: readonly LayerRef[];
  /** As {@link ResolvedTree.observed}. */
  readonly observed?: boolean;
}

/** The scheme of an identifier, and what follows `://`; undefined when there is none. */
export function splitIdentifier(
  identifier: string,
): { readonly scheme: string; readonly rest: string } | undefined {
  const match = /^([a-z][a-z0-9+-]*):\/\/(.*)$/s.exec(identifier);
  if (match === null) return undefined;
  const [, scheme = "", rest = ""] = match;
  return { scheme, rest };
}
