/**
 * Files that scripts read a build's result from: `--iidfile` and `--metadata-file`.
 *
 * @module
 */
import { lstatSync, rmSync, writeFileSync } from "node:fs";
import { LayerwrightError, systemErrorCode } from "../../core/errors.ts";
import type { BuildResult } from "../../core/mod.ts";

/** Removes what an earlier build left: a script must not take it for the result of one that failed. */
export function removeStaleResult(path: string): void {
  // A device (/dev/stdout) or a link is where to write, not an old result.
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === true) rmSync(path);
}

/**
 * Writes a result file.
 *
 * @throws {LayerwrightError} `EXPORT_FAILED` with the path.
 */
export function writeResultFile(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new LayerwrightError(
      "EXPORT_FAILED",
      `Cannot write ${JSON.stringify(path)}: ${systemErrorCode(error) ?? String(error)}`,
      { details: ["the image itself was built"], cause: error },
    );
  }
}

/**
 * The text of `--metadata-file`: buildx's keys, sorted as Go sorts a map. The digest is that of the manifest as it leaves,
 * and absent where the build compressed nothing; the descriptor is then that of the manifest in the store.
 */
export function metadataText(result: BuildResult): string {
  const metadata = {
    "containerimage.config.digest": result.imageId,
    "containerimage.descriptor": result.encoded ?? result.descriptor,
    ...result.encoded === undefined ? {} : { "containerimage.digest": result.encoded.digest },
    ...result.tags.length === 0 ? {} : { "image.name": result.tags.join(",") },
  };
  return JSON.stringify(metadata, null, 2);
}
