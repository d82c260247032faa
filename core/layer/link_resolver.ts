/**
 * Symbolic links, followed inside a root as a process that is chrooted there would follow them.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";

/** The kernel stops at 40; archives were accepted with chains up to this long by docker. */
const MAX_LINKS = 255;

/** How the last name of a path is treated. */
export interface ResolveOptions {
  /** Whether a link in the last place is followed too, as `stat` does and `lstat` does not. */
  readonly followLast: boolean;
}

/** What a step came upon instead of a place: go there. */
export class LinkTarget {
  readonly target: string;

  constructor(target: string) {
    this.target = target;
  }
}

/**
 * Walks a path name by name. Absolute links start at the root again, and `..` stays at the root when it is there,
 * so no path leads out.
 *
 * @typeParam Place whatever stands for a place in the tree: a path, a directory object.
 * @param step goes from a place to a name in it, or gives the target of the link that is there.
 * @returns the place where the path leads.
 * @throws {LayerwrightError} `LAYER_INVALID` for more than 255 links: most likely a loop.
 */
export function walkInside<Place>(
  path: string,
  root: Place,
  step: (from: Place, name: string) => Place | LinkTarget,
): Place {
  const pending = path.split("/").reverse();
  const above: Place[] = [];
  let here = root;
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      here = above.pop() ?? root;
      continue;
    }
    const next = step(here, name);
    if (!(next instanceof LinkTarget)) {
      above.push(here);
      here = next;
      continue;
    }
    if (++links > MAX_LINKS) {
      throw new LayerwrightError(
        "LAYER_INVALID",
        `Cannot resolve ${JSON.stringify(path)}: over ${MAX_LINKS} symbolic links on the way`,
        { hint: `look for a loop at ${JSON.stringify(name)}` },
      );
    }
    if (next.target.startsWith("/")) {
      above.length = 0;
      here = root;
    }
    pending.push(...next.target.split("/").reverse());
  }
  return here;
}

/**
 * Replaces every link on the way of a path by where it leads. Names that do not exist are kept as they are.
 *
 * @param linkTargetAt the target of the link at a resolved path, undefined for anything that is no link.
 * @returns a path as in `FileEntry`, `""` for the root.
 * @throws {LayerwrightError} as {@link walkInside}.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { resolveInside } from "./link_resolver.ts";
 * const links = new Map([["bin", "usr/bin"], ["out", "../../etc"]]);
 * const resolve = (path: string) => resolveInside(path, (at) => links.get(at), { followLast: true });
 * assert.equal(resolve("bin/sh"), "usr/bin/sh");
 * assert.equal(resolve("out/passwd"), "etc/passwd");
 * ```
 */
export function resolveInside(
  path: string,
  linkTargetAt: (path: string) => string | undefined,
  options: ResolveOptions,
): string {
  const join = (parent: string, name: string): string => parent === "" ? name : `${parent}/${name}`;
  const follow = (parent: string, name: string): string | LinkTarget => {
    const next = join(parent, name);
    const target = linkTargetAt(next);
    return target === undefined ? next : new LinkTarget(target);
  };
  if (options.followLast) return walkInside(path, "", follow);
  return join(walkInside(parentPath(path), "", follow), baseName(path));
}

/** The path of the directory a path is in, `""` for the root. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** The last name of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
