/**
 * The seam between a finished image and the form in which it leaves.
 *
 * An exporter gets files on disk and bytes, never a store: it can neither change what it exports nor
 * notice how the image came about.
 *
 * @module
 */
import type { Descriptor } from "../oci/descriptor.ts";
import type { DiffID } from "../oci/digest.ts";
import type { ImageConfig } from "../oci/image_config.ts";

/** Writes an image in one form. */
export interface Exporter {
  /** The name in `--output type=…`. */
  readonly type: string;
  /**
   * What it takes. `compressed` (unless given): the image as it leaves, by the attributes `compression` and
   * `compression-level`, which it does not see. `uncompressed`: layers as tars, whatever the manifest names; it sees all
   * attributes.
   */
  readonly layers?: "compressed" | "uncompressed";
  /**
   * Writes the whole image, or nothing: an interrupted export leaves no file under its final name.
   *
   * @throws {LayerwrightError} `EXPORT_FAILED` with the path; `OPTION_INVALID` for attributes it does not know;
   * `BUILD_CANCELLED` when `options.signal` fires.
   */
  export(image: ExportableImage, options: ExportOptions): Promise<void>;
}

/** One image of one platform, complete and verified. */
export interface ExportableImage {
  /** Names `manifestBytes`. */
  readonly manifest: Descriptor;
  /** Lists the blobs of `layers`, unless the exporter takes them uncompressed. */
  readonly manifestBytes: Uint8Array;
  readonly configBytes: Uint8Array;
  /** `configBytes`, parsed. */
  readonly config: ImageConfig;
  /** Base layer first, as in the manifest. */
  readonly layers: readonly ExportableLayer[];
  /** References the image was built as: `app:dev`, `registry.example/team/app:1`. */
  readonly tags: readonly string[];
}

/** One layer, in both forms. */
export interface ExportableLayer {
  /** Of the blob at `blobPath`. */
  readonly descriptor: Descriptor;
  readonly diffId: DiffID;
  /** The uncompressed tar on disk. */
  readonly tarPath: string;
  /** The blob on disk that `descriptor` names; the tar, for an exporter that takes layers uncompressed. */
  readonly blobPath: string;
}

/** Where an export goes. */
export interface ExportOptions {
  /** A file or folder, or `-` for the stream that `write` feeds. */
  readonly dest: string;
  /** Further settings of the form, as given in `--output`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Takes the bytes when `dest` is `-`. */
  readonly write?: (bytes: Uint8Array) => void;
  /** Takes what the user should know of an export that succeeded: a device left out. */
  readonly note?: (text: string) => void;
  /** The time written where a form demands one; whole seconds since the epoch. */
  readonly epochSeconds: number;
  readonly signal?: AbortSignal;
}
