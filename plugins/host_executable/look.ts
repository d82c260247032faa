/**
 * How the files that an answer depends on become known.
 *
 * @module
 */

/**
 * Is told of a path before it is looked at or read, whether something is there or not; with `place`, before a directory
 * is gone through that is not listed.
 */
export type Look = (path: string, place?: boolean) => void;

/** For those who do not want to know. */
export const unseen: Look = () => {};
