/**
 * Recomputes a finished image: every digest, every size, every promise one document makes about another.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { LayerwrightError } from "../errors.ts";
import type { Descriptor } from "./descriptor.ts";
import { type Digest, digestAlgorithm } from "./digest.ts";
import { type ImageConfig, parseImageConfig } from "./image_config.ts";
import { parseImageIndex } from "./image_index.ts";
import { type Manifest, MANIFEST_LIMIT_BYTES, parseManifest } from "./manifest.ts";
import {
  isForeignLayerMediaType,
  isImageConfigMediaType,
  isIndexMediaType,
  isLayerMediaType,
  isManifestMediaType,
  layerCompression,
} from "./media_type.ts";
import { platformMatches } from "./platform.ts";

/** What validation reads from. */
export interface BlobReader {
  /** Bytes of a blob, or undefined when it is not here. */
  size(digest: Digest): Promise<number | undefined>;
  open(digest: Digest): AsyncIterable<Uint8Array>;
}

/** One thing that is wrong with an image. */
export interface Violation {
  /** Where: `manifest`, `config`, `layers[2]`, `manifests[0].layers[1]`. */
  readonly path: string;
  readonly digest: Digest;
  /** A sentence without its final period. */
  readonly message: string;
}

/** How validation unpacks layers. */
export interface ValidateImageOptions {
  /** Unpacks gzip and zstd; gives plain bytes as they are. */
  readonly decompressed: (source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
}

const INDEX_DEPTH_LIMIT = 8;
const CONFIG_LIMIT_BYTES = 8 * 1024 * 1024;

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
  const validation = new Validation(blobs, options);
  await validation.document("", descriptor, 0);
  return validation.violations;
}

class Validation {
  readonly violations: Violation[] = [];
  readonly #blobs: BlobReader;
  readonly #options: ValidateImageOptions;
  /** Platforms of one index often share layers: each blob is read once. Value: its DiffID. */
  readonly #layers = new Map<string, Digest | undefined>();

  constructor(blobs: BlobReader, options: ValidateImageOptions) {
    this.#blobs = blobs;
    this.#options = options;
  }

  async document(path: string, descriptor: Descriptor, depth: number): Promise<void> {
    this.#checkInlineData(path || "manifest", descriptor);
    const { mediaType } = descriptor;
    if (isIndexMediaType(mediaType)) return await this.#index(path, descriptor, depth);
    if (isManifestMediaType(mediaType)) return await this.#manifest(path, descriptor);
    this.#report(path || "manifest", descriptor, `unknown media type ${JSON.stringify(mediaType)}`);
  }

  async #index(path: string, descriptor: Descriptor, depth: number): Promise<void> {
    const where = path || "index";
    if (depth >= INDEX_DEPTH_LIMIT) {
      return this.#report(
        where,
        descriptor,
        `indexes are nested deeper than ${INDEX_DEPTH_LIMIT} levels`,
      );
    }
    const index = await this.#parsed(where, descriptor, MANIFEST_LIMIT_BYTES, parseImageIndex);
    if (index === undefined) return;
    this.#checkOwnMediaType(where, descriptor, index.mediaType);
    for (const [i, child] of index.manifests.entries()) {
      await this.document(`${path === "" ? "" : `${path}.`}manifests[${i}]`, child, depth + 1);
    }
  }

  async #manifest(path: string, descriptor: Descriptor): Promise<void> {
    const where = path || "manifest";
    const inside = path === "" ? "" : `${path}.`;
    const manifest = await this.#parsed(where, descriptor, MANIFEST_LIMIT_BYTES, parseManifest);
    if (manifest === undefined) return;
    this.#checkOwnMediaType(where, descriptor, manifest.mediaType);
    this.#checkInlineData(`${inside}config`, manifest.config);
    let config: ImageConfig | undefined;
    if (isImageConfigMediaType(manifest.config.mediaType)) {
      config = await this.#parsed(
        `${inside}config`,
        manifest.config,
        CONFIG_LIMIT_BYTES,
        parseImageConfig,
      );
      if (config !== undefined) this.#checkConfig(`${inside}config`, descriptor, manifest, config);
    } else {
      // The config of an artifact may be anything, but it has to be there.
      await this.#digestOf(`${inside}config`, manifest.config);
    }
    for (const [i, layer] of manifest.layers.entries()) {
      await this.#layer(`${inside}layers[${i}]`, layer, config, i);
    }
  }

  #checkConfig(path: string, described: Descriptor, manifest: Manifest, config: ImageConfig): void {
    const layers = manifest.layers.length;
    const diffIds = config.rootfs.diff_ids.length;
    if (diffIds !== layers) {
      this.#report(
        path,
        manifest.config,
        `lists ${diffIds} diff_ids for the ${layers} layers of the manifest`,
      );
    }
    // History is optional, but a reader that uses it pairs its entries with layers.
    const steps = config.history?.filter((entry) => entry.empty_layer !== true).length;
    if (steps !== undefined && config.history?.length !== 0 && steps !== layers) {
      this.#report(
        path,
        manifest.config,
        `its history names ${steps} layers, the manifest has ${layers}`,
      );
    }
    if (described.platform !== undefined && !platformMatches(described.platform, config)) {
      this.#report(
        path,
        manifest.config,
        `is for ${config.os}/${config.architecture}, but the index offers it as ` +
          `${described.platform.os}/${described.platform.architecture}`,
      );
    }
  }

  async #layer(
    path: string,
    layer: Descriptor,
    config: ImageConfig | undefined,
    position: number,
  ): Promise<void> {
    this.#checkInlineData(path, layer);
    const isLayer = isLayerMediaType(layer.mediaType);
    if (config !== undefined && !isLayer) {
      this.#report(path, layer, `unknown media type ${JSON.stringify(layer.mediaType)}`);
    }
    // Never in a registry, and lawfully so.
    if (
      isForeignLayerMediaType(layer.mediaType) && await this.#blobs.size(layer.digest) === undefined
    ) return;
    const diffId = config !== undefined && isLayer
      ? await this.#diffIdOf(path, layer)
      : await this.#digestOf(path, layer).then(() => undefined);
    const expected = config?.rootfs.diff_ids[position];
    if (diffId !== undefined && expected !== undefined && diffId !== expected) {
      this.#report(path, layer, `unpacks to ${diffId}, the config says ${expected}`);
    }
  }

  /** Reads a layer once for both digests. Undefined when it is not what its descriptor says. */
  async #diffIdOf(path: string, layer: Descriptor): Promise<Digest | undefined> {
    const key = `${layer.digest} ${layer.mediaType} ${layer.size}`;
    if (this.#layers.has(key)) return this.#layers.get(key);
    const diffId = layerCompression(layer.mediaType) === "none"
      ? await this.#digestOf(path, layer)
      : await this.#unpackedDigestOf(path, layer);
    this.#layers.set(key, diffId);
    return diffId;
  }

  async #unpackedDigestOf(path: string, layer: Descriptor): Promise<Digest | undefined> {
    const count = this.violations.length;
    const source = this.#verified(path, layer);
    // Without a return method: who unpacks may stop early, but the blob is hashed to its last byte.
    const packed = { [Symbol.asyncIterator]: () => ({ next: () => source.next() }) };
    const hash = createHash("sha256");
    let unpackError: LayerwrightError | undefined;
    try {
      for await (const piece of this.#options.decompressed(packed)) hash.update(piece);
    } catch (error) {
      if (!(error instanceof LayerwrightError) || !isContentError(error)) throw error;
      unpackError = error;
    }
    for await (const _ of source);
    // A blob that is not the right one is reported as that, not as badly packed too.
    if (this.violations.length > count) return undefined;
    if (unpackError === undefined) return `sha256:${hash.digest("hex")}` as Digest;
    this.#report(path, layer, unpackError.message);
    return undefined;
  }

  /** Reads a blob to its end and reports what is wrong with it. */
  async #digestOf(path: string, descriptor: Descriptor): Promise<Digest | undefined> {
    const count = this.violations.length;
    for await (const _ of this.#verified(path, descriptor));
    return this.violations.length === count ? descriptor.digest : undefined;
  }

  async #parsed<T>(
    path: string,
    descriptor: Descriptor,
    limitBytes: number,
    parse: (bytes: Uint8Array) => T,
  ): Promise<T | undefined> {
    if (descriptor.size > limitBytes) {
      this.#report(
        path,
        descriptor,
        `${descriptor.size} bytes, more than the limit of ${limitBytes}`,
      );
      return undefined;
    }
    const count = this.violations.length;
    const pieces: Uint8Array[] = [];
    for await (const piece of this.#verified(path, descriptor)) pieces.push(piece);
    if (this.violations.length > count) return undefined;
    try {
      return parse(Buffer.concat(pieces));
    } catch (error) {
      if (!(error instanceof LayerwrightError)) throw error;
      for (const line of [error.message, ...error.details]) this.#report(path, descriptor, line);
      return undefined;
    }
  }

  /** Passes a blob on piece by piece; when it ends, reports where it differs from its descriptor. */
  async *#verified(path: string, descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    const size = await this.#blobs.size(descriptor.digest);
    if (size === undefined) return this.#report(path, descriptor, "its blob is missing");
    if (size !== descriptor.size) {
      // Not read at all: a wrong size may be any size.
      return this.#report(
        path,
        descriptor,
        `has ${size} bytes, its descriptor says ${descriptor.size}`,
      );
    }
    const algorithm = digestAlgorithm(descriptor.digest);
    const hash = createHash(algorithm);
    for await (const piece of this.#blobs.open(descriptor.digest)) {
      hash.update(piece);
      yield piece;
    }
    const digest = `${algorithm}:${hash.digest("hex")}`;
    if (digest !== descriptor.digest) {
      this.#report(path, descriptor, `its bytes have the digest ${digest}`);
    }
  }

  #checkInlineData(path: string, descriptor: Descriptor): void {
    if (descriptor.data === undefined) return;
    const algorithm = digestAlgorithm(descriptor.digest);
    const inline = createHash(algorithm).update(Buffer.from(descriptor.data, "base64")).digest(
      "hex",
    );
    if (`${algorithm}:${inline}` === descriptor.digest) return;
    this.#report(path, descriptor, 'its inline "data" is not the content');
  }

  #checkOwnMediaType(path: string, descriptor: Descriptor, own: string | undefined): void {
    if (own === undefined || own === descriptor.mediaType) return;
    this.#report(
      path,
      descriptor,
      `calls itself ${own}, its descriptor says ${descriptor.mediaType}`,
    );
  }

  #report(path: string, descriptor: Descriptor, message: string): void {
    this.violations.push({ path, digest: descriptor.digest, message });
  }
}

/** Whether an error says that bytes are wrong, rather than that they could not be read. */
function isContentError(error: LayerwrightError): boolean {
  return error.code === "COMPRESSION_INVALID" || error.code === "LAYER_LIMIT" ||
    error.code === "COMPRESSION_UNSUPPORTED";
}
