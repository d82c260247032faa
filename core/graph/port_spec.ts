/**
 * The ports of EXPOSE.
 *
 * @see BuildKit, dockerfile2llb/convert_expose.go
 * @module
 */

/**
 * Expands a port, or a range of them.
 *
 * @param spec `80`, `53/udp`, `8000-8010/tcp`. As BuildKit does, an address and host ports before a colon
 * are accepted and mean nothing.
 * @returns `80/tcp`, one for each port, or undefined for what is no port.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { expandPorts } from "./port_spec.ts";
 * assert.deepEqual(expandPorts("80-81/UDP"), ["80/udp", "81/udp"]);
 * assert.equal(expandPorts("65536"), undefined);
 * ```
 */
export function expandPorts(spec: string): string[] | undefined {
  const containerPort = spec.slice(spec.lastIndexOf(":") + 1);
  const match = /^(\d{1,9})(?:-(\d{1,9}))?(?:\/(tcp|udp|sctp)?)?$/i.exec(containerPort);
  if (match === null || !isHostPart(spec.slice(0, spec.length - containerPort.length))) {
    return undefined;
  }
  const [, first = "", last = first, protocol = "tcp"] = match;
  const [from, to] = [Number(first), Number(last)];
  if (to > 65535 || from > to) return undefined;
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}/${protocol.toLowerCase()}`);
}

function isHostPart(text: string): boolean {
  return /^(?:(?:(?:[\d.]+|\[?[\da-f:]+\]?):)?(?:\d{1,5}(?:-\d{1,5})?)?:)?$/i.test(text);
}
