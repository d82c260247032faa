/**
 * The build contexts of a graph, found on this machine.
 *
 * @module
 */
import { isAbsolute, relative, resolve } from "node:path";
import { readIgnoreRules } from "../context/ignore_file.ts";
import { parseIgnorePatterns } from "../context/ignore.ts";
import type { Observations } from "../context/observations.ts";
import type { SourceTree } from "../context/source_tree.ts";
import { openContext } from "../context/walk.ts";
import { LayerwrightError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import type { ContextOp } from "../graph/op.ts";
import { host } from "../host/mod.ts";
import type { ContextIndexes } from "./context_indexes.ts";

/** Where {@link openGraphContext} finds things. */
export interface ContextSurroundings {
  readonly graph: Graph;
  /** The folder that relative paths begin at. */
  readonly contextDirectory: string;
  readonly indexes: ContextIndexes;
  /** The folder of the store, which is no part of any context. */
  readonly storeHome: string;
  /** Is told of all that is looked at. */
  readonly observations: Observations;
}

/**
 * Opens a context; its files are read as steps ask for them.
 *
 * @throws {LayerwrightError} `CONTEXT_MISSING` when it is no directory; what its ignore file is refused with.
 */
export function openGraphContext(
  op: ContextOp,
  { graph, contextDirectory, indexes, observations, storeHome }: ContextSurroundings,
): SourceTree {
  const path = graph.contexts.get(op.name)?.path;
  if (path === undefined) {
    throw new LayerwrightError(
      "CONTEXT_MISSING",
      `Cannot read build context "${op.name}": the graph does not say where it is`,
      {
        hint: "add its path to the graph's contexts",
      },
    );
  }
  const root = resolve(contextDirectory, path);
  if (!isDirectory(root)) {
    throw new LayerwrightError(
      "CONTEXT_MISSING",
      `Cannot read build context "${op.name}": "${root}" is not a directory`,
      {
        hint: "name an existing directory",
      },
    );
  }
  return openContext(root, {
    digests: indexes.of(root),
    observations,
    ignore: readIgnoreRules(root, { patterns: op.ignore, observations })
      .concat(parseIgnorePatterns(storePatterns(root, storeHome))),
    ...(op.include.length === 0 ? {} : { include: parseIgnorePatterns(op.include) }),
  });
}

/**
 * A store inside the context would be copied into itself, and every build would differ from the one before it. Last of
 * all rules, so that none takes it back.
 */
function storePatterns(root: string, storeHome: string): string[] {
  const inside = relative(root, resolve(storeHome));
  if (inside === "" || inside === ".." || inside.startsWith("../") || isAbsolute(inside)) return [];
  return [inside.replaceAll(/[\\*?[\]!]/g, "\\$&")];
}

function isDirectory(path: string): boolean {
  const status = host.fileStatus();
  return status.look(path, true) && (status.mode & 0o170000) === 0o040000;
}
