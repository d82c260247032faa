/**
 * Whether a disk has room left.
 *
 * @module
 */
import { statfsSync } from "node:fs";

/** Less than this, or than a twentieth of a small disk, is what a step that failed may have failed of. */
const LITTLE_BYTES = 64 * 1024 * 1024;
const LITTLE_PART = 20;

/** False for a disk so full that nothing more should be kept on it than has to be. */
export function hasRoom(directory: string): boolean {
  const { bavail, blocks, bsize } = statfsSync(directory);
  return bavail * bsize >= Math.min(LITTLE_BYTES, blocks * bsize / LITTLE_PART);
}
