/**
 * Many texts looked for in a stream at once.
 *
 * @see Aho and Corasick, "Efficient string matching: an aid to bibliographic search", 1975
 * @module
 */

const ROOT = 0;

/**
 * A trie of all parts; a node stands for what the stream so far ends with. Nodes are numbers, their properties arrays:
 * a secret may have half a million bytes, and each is a node.
 */
export class PartSearch {
  /** Children of the root by byte; 0 for none. */
  readonly #first = new Int32Array(256);
  readonly #byte: Uint8Array;
  readonly #child: Int32Array;
  readonly #sibling: Int32Array;
  readonly #depth: Int32Array;
  /** The longest shorter ending of the stream that is a node. */
  readonly #fallback: Int32Array;
  /** Bytes of the longest part that the stream ends with at this node; 0 for none. */
  readonly #found: Int32Array;
  #size = 1;

  /** @param parts None empty. */
  constructor(parts: readonly Uint8Array[]) {
    const limit = parts.reduce((sum, part) => sum + part.length, 1);
    this.#byte = new Uint8Array(limit);
    this.#child = new Int32Array(limit);
    this.#sibling = new Int32Array(limit);
    this.#depth = new Int32Array(limit);
    this.#fallback = new Int32Array(limit);
    this.#found = new Int32Array(limit);
    for (const part of parts) this.#add(part);
    this.#connect();
  }

  /** True if there is nothing to look for. */
  get isEmpty(): boolean {
    return this.#size === 1;
  }

  /** How many of the last bytes may be the beginning of a part, at a node that {@link read} returned. */
  undecided(node: number): number {
    return this.#depth[node] ?? 0;
  }

  /**
   * Goes on with a stream.
   *
   * @param node What the call before returned, 0 for a new stream.
   * @param found Gets the longest part at each offset where one ends: the offset after it, and its length.
   * @returns the node the stream is at now.
   */
  read(node: number, bytes: Uint8Array, found: (end: number, length: number) => void): number {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      node = this.#next(node, byte);
      if (node === ROOT) continue;
      const length = this.#found[node] ?? 0;
      if (length > 0) found(at + 1, length);
      // Nothing is longer: what matters is what else may have begun.
      while (node !== ROOT && this.#child[node] === 0) node = this.#fallback[node] ?? ROOT;
    }
    return node;
  }

  #next(node: number, byte: number): number {
    for (; node !== ROOT; node = this.#fallback[node] ?? ROOT) {
      const child = this.#childOf(node, byte);
      if (child !== 0) return child;
    }
    return this.#first[byte] ?? ROOT;
  }

  #childOf(node: number, byte: number): number {
    if (node === ROOT) return this.#first[byte] ?? 0;
    let child = this.#child[node] ?? 0;
    while (child !== 0 && this.#byte[child] !== byte) child = this.#sibling[child] ?? 0;
    return child;
  }

  #add(part: Uint8Array): void {
    let node = ROOT;
    for (const byte of part) {
      let child = this.#childOf(node, byte);
      if (child === 0) {
        child = this.#size++;
        this.#byte[child] = byte;
        this.#depth[child] = (this.#depth[node] ?? 0) + 1;
        this.#sibling[child] = this.#child[node] ?? 0;
        this.#child[node] = child;
        if (node === ROOT) this.#first[byte] = child;
      }
      node = child;
    }
    this.#found[node] = part.length;
  }

  /** By depth, so that all shorter nodes are connected before. */
  #connect(): void {
    const order = new Int32Array(this.#size);
    for (let read = 0, written = 1; read < written; read++) {
      const node = order[read] ?? ROOT;
      for (let child = this.#child[node] ?? 0; child !== 0; child = this.#sibling[child] ?? 0) {
        const fallback = node === ROOT
          ? ROOT
          : this.#next(this.#fallback[node] ?? ROOT, this.#byte[child] ?? 0);
        this.#fallback[child] = fallback;
        if (this.#found[child] === 0) this.#found[child] = this.#found[fallback] ?? 0;
        order[written++] = child;
      }
    }
  }
}
