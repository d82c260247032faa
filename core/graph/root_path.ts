/**
 * The one directory that every image has.
 *
 * @module
 */
import { posix } from "node:path";

/**
 * Whether a path is `/` under any spelling. A relative one may turn out to be, but counts as none: what a
 * WORKDIR is made of must not depend on a base that is not known yet.
 */
export function isRoot(path: string): boolean {
  return path.startsWith("/") && posix.normalize(path) === "/";
}
