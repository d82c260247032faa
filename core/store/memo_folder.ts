/**
 * Where a store keeps what it can answer without being opened. Light: loaded before the engine.
 *
 * @module
 */

/** The folder of memos of builds of which nothing changed. */
export function memoFolder(home: string): string {
  return `${home}/unchanged`;
}
