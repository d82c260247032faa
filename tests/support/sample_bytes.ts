/**
 * Bytes of known kinds, the same on every runtime: what the encoder is measured and pinned with.
 *
 * @module
 */

/** Kinds of content: from what compresses to nothing to what does not compress at all. */
export type SampleKind = "zeros" | "text" | "base64" | "random" | "mixed" | "records";

const WORDS =
  "import export const function return readonly string number layer digest manifest bytes from interface"
    .split(" ");

/** Marsaglia's xorshift32: a sequence that no runtime can change. */
export function randomNumbers(seed: number): () => number {
  let x = seed === 0 ? 0x9e3779b9 : seed >>> 0;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>>= 0;
  };
}

/** `length` bytes of a kind; another seed gives others of the same kind. */
export function sampleBytes(kind: SampleKind, length: number, seed = 1): Uint8Array {
  const random = randomNumbers(seed);
  const bytes = new Uint8Array(length);
  if (kind === "zeros") return bytes;
  if (kind === "random") return bytes.map(() => random() & 255);
  if (kind === "base64") return bytes.map(() => 48 + (random() & 63));
  if (kind === "records") {
    return bytes.map((_, index) => index % 16 < 12 ? index % 16 : random() & 255);
  }
  if (kind === "text") {
    let text = "";
    while (text.length < length) {
      text += `${WORDS[random() % WORDS.length]}${random() % 9 === 0 ? ";\n" : " "}`;
    }
    return new TextEncoder().encode(text).subarray(0, length);
  }
  // Stretches of every kind, some of them repeated: files of a real layer stand beside each other like that.
  const kinds: readonly SampleKind[] = ["text", "random", "base64", "zeros", "records"];
  for (let offset = 0; offset < length;) {
    const part = sampleBytes(
      kinds[random() % 5] ?? "text",
      1 + random() % 30_000,
      1 + random() % 4,
    );
    bytes.set(part.subarray(0, length - offset), offset);
    offset += part.length;
  }
  return bytes;
}
