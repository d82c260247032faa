/**
 * What the kernel does with a seccomp filter: as much of classic BPF as libseccomp uses.
 *
 * @see Linux, Documentation/networking/filter.rst; seccomp(2), "struct seccomp_data"
 * @module
 */

/** One system call as a filter sees it. */
export interface SystemCall {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly arch: number;
  readonly number: number;
  readonly args?: readonly bigint[];
}

const JUMPS: Readonly<Record<number, (a: number, k: number) => boolean>> = {
  0x15: (a, k) => a === k,
  0x25: (a, k) => a > k,
  0x35: (a, k) => a >= k,
  0x45: (a, k) => (a & k) >>> 0 !== 0,
};

/** The filter's answer: an action of linux/seccomp.h, with its data. */
export function answerOf(filter: Uint8Array, call: SystemCall): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call.number >>> 0, true);
  data.setUint32(4, call.arch, true);
  (call.args ?? []).forEach((value, index) => data.setBigUint64(16 + index * 8, value, true));
  const program = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  let accumulator = 0;
  for (let at = 0; at < filter.length / 8; at++) {
    const code = program.getUint16(at * 8, true);
    const [yes, no] = [program.getUint8(at * 8 + 2), program.getUint8(at * 8 + 3)];
    const k = program.getUint32(at * 8 + 4, true);
    const jump = JUMPS[code];
    if (jump !== undefined) at += jump(accumulator, k) ? yes : no;
    else if (code === 0x20) accumulator = data.getUint32(k, true);
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (code === 0x05) at += k;
    else if (code === 0x06) return k;
    else throw new Error(`instruction 0x${code.toString(16)} at ${at}`);
  }
  throw new Error("the filter has no end");
}
