/**
 * What few programs call and what loads much: loaded at the first call, so that a recipe starts without it.
 *
 * @module
 */
import type { EncodeImageOptions } from "./execute/encode_image.ts";
import type { StoredImage } from "./execute/stored_image.ts";
import type { Graph } from "./graph/graph.ts";
import type { Descriptor } from "./oci/descriptor.ts";
import type { BlobReader, ValidateImageOptions, Violation } from "./oci/validate_image.ts";
import type { Store } from "./store/store.ts";

// Names, not literals: see `engine.ts`.
const GRAPH_JSON: string = "./graph/graph_json.ts";
const VALIDATE_IMAGE: string = "./oci/validate_image.ts";
const ENCODE_IMAGE: string = "./execute/encode_image.ts";

/**
 * Reads a graph from text that may come from anywhere: what `serializeGraph()` printed.
 *
 * What it checks is that the text says one graph: its form, its limits, every digest, every edge. Whether
 * the graph makes sense is for `validateGraph()` to say.
 *
 * @throws {LayerwrightError} `GRAPH_INVALID`, with a detail line for each thing that is wrong;
 * `GRAPH_SCHEMA_UNSUPPORTED` for a text of another version; `GRAPH_CYCLE` when a vertex needs itself.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseGraph } from "./on_demand.ts";
 * await assert.rejects(parseGraph("{}"), { code: "GRAPH_INVALID" });
 * ```
 */
export async function parseGraph(text: string): Promise<Graph> {
  const graphs: typeof import("./graph/graph_json.ts") = await import(GRAPH_JSON);
  return graphs.parseGraph(text);
}

/**
 * Reads an image or an index of images whole and recomputes all that can be: the digest and size of every
 * blob, every DiffID, the count of history entries, media types, platforms.
 *
 * @returns All violations, in the order of the documents; none for a valid image.
 * @throws {LayerwrightError} only what `blobs` throws for reasons of its own (a disk that cannot be read).
 */
export async function validateImage(
  blobs: BlobReader,
  descriptor: Descriptor,
  options: ValidateImageOptions,
): Promise<Violation[]> {
  const validation: typeof import("./oci/validate_image.ts") = await import(VALIDATE_IMAGE);
  return await validation.validateImage(blobs, descriptor, options);
}

/**
 * Makes the image that leaves a store: for a push, an archive, a registry. The layers that are plain tars in its
 * manifest are compressed, and the manifest names the blobs instead; both are kept, so that it is quick the next time.
 *
 * @param manifest of one image, as a tag names it: a tag notes how its image leaves.
 * @returns The image with the manifest that leaves, whose blobs are in the store; the same image when there is nothing
 * to compress.
 * @throws {LayerwrightError} `BLOB_MISSING`, `STORE_CORRUPT` for an image that is not whole; `BUILD_CANCELLED`;
 * `OPTION_INVALID` for an encoder that does not exist.
 */
export async function encodeImage(
  store: Store,
  manifest: Descriptor,
  options?: EncodeImageOptions,
): Promise<StoredImage> {
  const encoding: typeof import("./execute/encode_image.ts") = await import(ENCODE_IMAGE);
  return await encoding.encodeImage(store, manifest, options);
}
