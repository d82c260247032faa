/**
 * The loopback device of a new network namespace.
 *
 * @see netdevice(7), SIOCSIFFLAGS
 * @module
 */
import { spawnSync } from "node:child_process";
import { host } from "../../core/host/mod.ts";
import { findTool } from "./find_tool.ts";

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
/** sizeof(struct ifreq): a name of 16 bytes, then a union. */
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;

/**
 * Raises the loopback device of this process's network, which is down at first: by a system call, since machines without
 * iproute2 are to run steps too, else by a program.
 *
 * @throws {Error} where there is neither FFI nor a program.
 */
export function raiseLoopback(): void {
  if (raiseByCall() || raiseByProgram()) return;
  throw new Error("cannot raise the loopback device of a step without network: install iproute2");
}

function raiseByCall(): boolean {
  const libc = host.bindLibrary("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], result: "i32" },
    ioctl: { args: ["i32", "u64", "buffer"], result: "i32" },
    close: { args: ["i32"], result: "i32" },
  });
  if (libc === undefined) return false;
  const socket = Number(libc.socket(AF_INET, SOCK_DGRAM, 0));
  if (socket < 0) return false;
  const request = new Uint8Array(IFREQ_BYTES);
  request.set(new TextEncoder().encode("lo"));
  new DataView(request.buffer).setInt16(NAME_BYTES, IFF_UP | IFF_RUNNING, true);
  const result = Number(libc.ioctl(socket, BigInt(SIOCSIFFLAGS), request));
  libc.close(socket);
  return result === 0;
}

function raiseByProgram(): boolean {
  const [ip, ifconfig] = [findTool("ip"), findTool("ifconfig")];
  const [program, args] = ip === undefined
    ? [ifconfig, ["lo", "up"]]
    : [ip, ["link", "set", "lo", "up"]];
  return program !== undefined && spawnSync(program, args, { stdio: "ignore" }).status === 0;
}
