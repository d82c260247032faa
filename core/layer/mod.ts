/**
 * The layer codec, for those who make or read layers in a process of their own.
 *
 * @module
 */
export type { FileContent, FileEntry, FileIdentity, FileType } from "./file_entry.ts";
export { applyLayer, type ApplyLayerOptions, type UnpackResult } from "./apply.ts";
export { fileTypeOf } from "./file_type.ts";
export { parentPath, resolveInside } from "./link_resolver.ts";
export { isOverlayXattr } from "./normalize.ts";
export { indexTar } from "./tar_reader.ts";
export { stackTrees, Tree } from "./tree.ts";
export { removeTree } from "./remove_tree.ts";
export { refuseReservedName, whiteoutEntry } from "./whiteout.ts";
export { writeLayer, type WriteLayerOptions, type WrittenLayer } from "./write_layer.ts";
