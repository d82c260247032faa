/**
 * Directories of another machine, named by paths here that nothing is at.
 *
 * @module
 */
import { LayerwrightError } from "../../core/errors.ts";

/** The trees that a session has made, by the paths its engine knows them by. */
export class RemoteTrees {
  readonly #numbers = new Map<string, number>();
  #last = 0;

  /** A number for a tree yet to be made. */
  add(path: string): number {
    this.#numbers.set(path, ++this.#last);
    return this.#last;
  }

  /** @throws {LayerwrightError} `RUN_WORKER_FAILED` for a path that this session has not unpacked or run into being. */
  numbersOf(paths: readonly string[]): number[] {
    return paths.map((path) => {
      const number = this.#numbers.get(path);
      if (number !== undefined) return number;
      throw new LayerwrightError(
        "RUN_WORKER_FAILED",
        `Cannot use ${JSON.stringify(path)} on another machine: this session has not made it there`,
      );
    });
  }

  /** Forgets the trees at and below these paths. @returns Their numbers. */
  forget(paths: readonly string[]): number[] {
    const isBelow = (tree: string): boolean =>
      paths.some((path) => tree === path || tree.startsWith(`${path}/`));
    const gone = [...this.#numbers].filter(([tree]) => isBelow(tree));
    for (const [tree] of gone) this.#numbers.delete(tree);
    return gone.map(([, number]) => number);
  }
}
