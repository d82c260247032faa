/**
 * Says why a source of a copy is not there: what is there instead, or which rule hides it.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { describeRule } from "./ignore.ts";
import { nearestName } from "../nearest_name.ts";
import { joinPath, type SourceTree } from "./source_tree.ts";

/** What can be said about a path that is missing. */
export interface MissingPath {
  /** Facts, one line each. */
  readonly details: readonly string[];
  readonly hint?: string;
}

/**
 * Looks for the nearest existing name, for the rule that hides the path, and for what stands in its way.
 *
 * @param path A clean path that leads nowhere in the tree.
 */
function describeMissing(tree: SourceTree, path: string): MissingPath {
  const facts: string[] = [];
  const ways: string[] = [];
  const blocked = firstObstacle(tree, path);
  if (blocked !== undefined) return { details: [blocked] };
  const found = nearestPath(tree, path);
  if (found !== undefined) {
    facts.push(`found ${JSON.stringify(found)}`);
    ways.push(`copy ${JSON.stringify(found)}`);
  }
  const rule = tree.hiddenBy(path);
  if (rule !== undefined) {
    facts.push(`${JSON.stringify(path)} is excluded by ${describeRule(rule)}`);
    ways.push(rule.file === undefined ? "remove the ignore pattern" : "remove the ignore line");
  }
  if (facts.length === 0) return { details: [] };
  return { details: [facts.join("; ")], hint: ways.join(", or ") };
}

/**
 * The error for sources that do not exist, all at once.
 *
 * @param destination Where they were to go, as the user wrote it.
 * @returns `COPY_SOURCE_MISSING`.
 */
export function missingSourcesError(
  tree: SourceTree,
  sources: readonly { readonly written: string; readonly path: string }[],
  destination: string | undefined,
): LayerwrightError {
  const [first, ...others] = sources.map(({ written, path }) => ({
    written,
    ...describeMissing(tree, path),
  }));
  const to = destination === undefined ? "" : ` to ${JSON.stringify(destination)}`;
  return new LayerwrightError(
    "COPY_SOURCE_MISSING",
    `Cannot copy ${JSON.stringify(first?.written)}${to}: no such file in ${tree.description}`,
    {
      details: [
        ...(first?.details ?? []),
        ...others.flatMap(({ written, details }) => [
          `${JSON.stringify(written)} is missing too${details.length === 0 ? "" : ": "}${
            details.join("; ")
          }`,
        ]),
      ],
      hint: first?.hint,
    },
  );
}

/** The first name on the way that is no directory, or a link that leads nowhere. */
function firstObstacle(tree: SourceTree, path: string): string | undefined {
  const names = path.split("/");
  for (let count = 1; count <= names.length; count++) {
    const at = names.slice(0, count).join("/");
    const entry = tree.lookup(at);
    if (entry === undefined || entry.type === "directory") continue;
    const what = JSON.stringify(at);
    if (entry.type === "symlink") {
      return `${what} is a symbolic link to ${
        JSON.stringify(entry.linkTarget)
      }, which leads nowhere`;
    }
    return `${what} is not a directory`;
  }
  return undefined;
}

/** The path with its first missing name replaced by the nearest existing one, as far as that exists. */
function nearestPath(tree: SourceTree, path: string): string | undefined {
  const names = path.split("/");
  const missing = names.findIndex((_, index) =>
    tree.lookup(names.slice(0, index + 1).join("/")) === undefined
  );
  const directory = names.slice(0, missing).join("/");
  const name = nearestName(names[missing] ?? "", tree.list(directory));
  if (name === undefined) return undefined;
  const corrected = joinPath(directory, name);
  const whole = joinPath(corrected, names.slice(missing + 1).join("/"));
  return tree.lookup(whole) === undefined ? corrected : whole;
}
