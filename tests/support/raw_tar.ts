/**
 * Builds tar bytes that our own writer would never write: other formats, damage, attacks.
 *
 * @module
 */

/** The fields of one header block; numbers as octal unless given as bytes. */
export interface RawHeader {
  readonly name?: string | Uint8Array;
  readonly mode?: number | Uint8Array;
  readonly uid?: number | Uint8Array;
  readonly gid?: number | Uint8Array;
  readonly size?: number | Uint8Array;
  readonly mtime?: number | Uint8Array;
  readonly type?: string;
  readonly link?: string | Uint8Array;
  readonly magic?: "ustar" | "gnu" | "v7";
  readonly major?: number;
  readonly minor?: number;
  readonly prefix?: string;
  /** Bytes at offsets, for what only one format has; before the checksum is made. */
  readonly patches?: readonly (readonly [offset: number, bytes: string | Uint8Array])[];
  /** `signed` as old writers summed; `wrong` for a damaged block. */
  readonly checksum?: "unsigned" | "signed" | "wrong";
}

const encoder = new TextEncoder();

/** One header block of 512 bytes. */
export function rawHeader(header: RawHeader): Uint8Array {
  const block = new Uint8Array(512);
  const put = (offset: number, value: string | Uint8Array): void =>
    block.set(typeof value === "string" ? encoder.encode(value) : value, offset);
  const putNumber = (offset: number, width: number, value: number | Uint8Array): void =>
    put(offset, typeof value === "number" ? value.toString(8).padStart(width - 1, "0") : value);
  put(0, header.name ?? "");
  putNumber(100, 8, header.mode ?? 0o644);
  putNumber(108, 8, header.uid ?? 0);
  putNumber(116, 8, header.gid ?? 0);
  putNumber(124, 12, header.size ?? 0);
  putNumber(136, 12, header.mtime ?? 0);
  put(156, header.type ?? "0");
  put(157, header.link ?? "");
  if (header.magic === "gnu") put(257, "ustar  \0");
  else if (header.magic !== "v7") put(257, "ustar\x0000");
  if (header.major !== undefined) putNumber(329, 8, header.major);
  if (header.minor !== undefined) putNumber(337, 8, header.minor);
  put(345, header.prefix ?? "");
  for (const [offset, bytes] of header.patches ?? []) put(offset, bytes);
  let sum = 8 * 0x20;
  for (let i = 0; i < 512; i++) {
    const byte = i >= 148 && i < 156 ? 0 : block[i] ?? 0;
    sum += header.checksum === "signed" && byte > 0x7f ? byte - 0x100 : byte;
  }
  if (header.checksum === "wrong") sum++;
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** A member: header with the size of the content, content, padding. */
export function rawMember(header: RawHeader, content: string | Uint8Array = ""): Uint8Array {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  return joined(
    rawHeader({ size: bytes.length, ...header }),
    bytes,
    new Uint8Array((512 - bytes.length % 512) % 512),
  );
}

/** A PAX extended header holding the records given. */
export function rawPax(
  records: Readonly<Record<string, string | Uint8Array>>,
  type = "x",
): Uint8Array {
  return rawMember(
    { name: "PaxHeaders/x", type },
    joined(...Object.entries(records).map(([key, value]) => paxRecord(key, value))),
  );
}

/** One PAX record. */
export function paxRecord(key: string, value: string | Uint8Array): Uint8Array {
  const body = joined(` ${key}=`, value, "\n");
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length++;
  return joined(String(length), body);
}

/** Base-256, as GNU writes numbers that octal cannot hold. */
export function base256(value: bigint, width: number): Uint8Array {
  const bytes = new Uint8Array(width);
  let rest = value;
  for (let i = width - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  return bytes;
}

/** The two zero blocks at the end. */
export const END: Uint8Array = new Uint8Array(1024);

/** All parts, one after the other. */
export function joined(...parts: (string | Uint8Array)[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(parts.map((part) => typeof part === "string" ? encoder.encode(part) : part)),
  );
}
