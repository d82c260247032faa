/**
 * What a vertex gives to those who use it: descriptors and data, never an unpacked tree.
 *
 * @module
 */
import type { SourceTree } from "../context/source_tree.ts";
import type { ImageState } from "../graph/image_state.ts";
import type { OpPlatform } from "../graph/op.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { chainId, chainOnTop } from "../oci/chain_id.ts";
import type { ChainID, DiffID } from "../oci/digest.ts";

/** One layer by the digest of its tar. */
export interface LayerRef {
  readonly diffId: DiffID;
  readonly sizeBytes: number;
  /** The compressed form it came in, with a base image: it is passed on as it is. Absent: compressed by our encoder. */
  readonly blob?: Descriptor;
}

/** ChainIDs of stacks, and the stacks that they were made of: a long image has a stack for each of its steps. */
const chains = new WeakMap<readonly LayerRef[], ChainID>();
const bases = new WeakMap<readonly LayerRef[], readonly LayerRef[]>();

/** A stack with one more layer on top. */
export function stackOn(base: readonly LayerRef[], layer: LayerRef): readonly LayerRef[] {
  const stack = [...base, layer];
  bases.set(stack, base);
  return stack;
}

/** The stack that {@link stackOn} put the top layer of a stack on; undefined for one that was made otherwise. */
export function stackBelow(stack: readonly LayerRef[]): readonly LayerRef[] | undefined {
  return bases.get(stack);
}

/** Names a stack of layers in a key; null for the stack of none, which has no ChainID. */
export function chainOf(layers: readonly LayerRef[]): ChainID | null {
  const top = layers.at(-1);
  if (top === undefined) return null;
  let chain = chains.get(layers);
  if (chain === undefined) {
    const base = bases.get(layers);
    const below = base === undefined ? undefined : chains.get(base);
    chain = below === undefined
      ? chainId(layers.map(({ diffId }) => diffId))
      : chainOnTop(below, top.diffId);
    chains.set(layers, chain);
  }
  return chain;
}

/** An image so far: what it says, and the layers it is made of, base layer first. */
export interface ImageResult {
  readonly kind: "image";
  readonly state: ImageState;
  /** Undefined in a plan, when a step beneath has to run before anybody can tell. */
  readonly layers: readonly LayerRef[] | undefined;
}

/** Files that are no layer: a build context, what a source found. */
export interface FilesResult {
  readonly kind: "files";
  readonly tree: SourceTree;
  /** What a source was asked for; a build context has none. */
  readonly platform?: OpPlatform;
}

/** The result of any vertex. */
export type VertexResult = ImageResult | FilesResult;
