/**
 * From the tar of a root file system to the layer of a base.
 *
 * @module
 */
import { type FileEntry, indexTar, writeLayer, type WrittenLayer } from "../../core/layer/mod.ts";

/** Files about the machine or the moment, not the system: who makes the base again would get others. */
const DROPPED: readonly RegExp[] = [
  // Nodes exist only where root made it; a container gets its own. Links and folders likewise.
  /^dev\/./,
  // The builder's.
  /^etc\/(?:hostname|resolv\.conf|machine-id|mtab)$/,
  // Caches with times and inode numbers in them, and copies of the state before the last change.
  /^var\/cache\/ldconfig\/./,
  /^var\/cache\/apt\/(?:archives\/.+\.deb|.+\.bin)$/,
  /^var\/cache\/debconf\/.+-old$/,
  /^var\/lib\/dpkg\/.+-old$/,
  /^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$/,
  // Lists of packages are old tomorrow.
  /^var\/lib\/apt\/lists\/(?!partial$|auxfiles$)./,
  /^var\/log\/(?:alternatives|bootstrap|dpkg|apt\/.+)\.log(?:\.xz)?$/,
  /^var\/lib\/systemd\/random-seed$/,
  /^(?:run|tmp|var\/tmp)\/./,
];

/** Whether a base keeps a path. */
export function isKept(path: string): boolean {
  return !DROPPED.some((rule) => rule.test(path));
}

/**
 * Writes the layer: what mmdebstrap made without what differs between machines.
 *
 * @param tarPath mmdebstrap's tar.
 * @param layerPath A path that nothing is at.
 * @param epochSeconds Later modification times become this.
 * @throws {LayerwrightError} as `indexTar()` and `writeLayer()`.
 */
export function writeBaseLayer(
  tarPath: string,
  layerPath: string,
  epochSeconds: number,
): WrittenLayer {
  const entries: FileEntry[] = indexTar(tarPath).filter(({ path }) => isKept(path));
  return writeLayer(entries, layerPath, { epochSeconds });
}
