/**
 * Which paths of a tree are shown: those an include list names, less those an ignore list names.
 *
 * @module
 */
import type { IgnoreRules } from "./ignore.ts";

/** Both lists are optional; an absent include list names everything. */
export interface PathFilterRules {
  /** Shown are paths that these rules match (rules of an include list read as "included"). */
  readonly include?: IgnoreRules | undefined;
  readonly ignore?: IgnoreRules | undefined;
}

/** Decides paths, and directories whose content need not be looked at. */
export class PathFilter {
  readonly #include: IgnoreRules | undefined;
  readonly #ignore: IgnoreRules | undefined;

  constructor(rules: PathFilterRules) {
    this.#include = rules.include?.isEmpty ? undefined : rules.include;
    this.#ignore = rules.ignore?.isEmpty ? undefined : rules.ignore;
  }

  /** Whether a path is shown by itself. A directory that is not may still hold paths that are. */
  shows(path: string): boolean {
    return this.#isIncluded(path) && !this.#isIgnored(path);
  }

  /** False only if nothing below a directory that is not shown itself can be shown. */
  mayShowBelow(directory: string): boolean {
    return (this.#isIncluded(directory) || this.#include?.mayDifferBelow(directory) === true) &&
      (!this.#isIgnored(directory) || this.#ignore?.mayDifferBelow(directory) === true);
  }

  #isIncluded(path: string): boolean {
    return path === "" || this.#include === undefined || this.#include.match(path).ignored;
  }

  #isIgnored(path: string): boolean {
    return this.#ignore !== undefined && this.#ignore.match(path).ignored;
  }
}
