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
}

/** What a source found. */
export type ResolvedSource = ResolvedTree | ResolvedImage;

/** Files, each with its content on disk or in memory. */
export interface ResolvedTree {
  readonly kind: "tree";
  /** One entry per path, parents before what they hold, sorted by the bytes of the path. */
  readonly entries: readonly FileEntry[];
}

/** An image: its config and its layers, base layer first. */
export interface ResolvedImage {
  readonly kind: "image";
  /** The image config as it was stored, byte for byte; all its layers are in the store. */
  readonly config: Uint8Array;
  readonly layers: readonly LayerRef[];
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
