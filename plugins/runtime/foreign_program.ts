/**
 * Programs for another processor: the kernel executes them only where an emulator is registered for them.
 *
 * @see elf(5), "e_machine"; Linux, Documentation/admin-guide/binfmt-misc.rst
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { findProgram, type ProgramPlace, readStart } from "./program_file.ts";
import { resolveInRoot } from "./resolve_in_root.ts";

const BINFMT = "/proc/sys/fs/binfmt_misc";
const ELF_MAGIC = 0x7f454c46;
/** As much as the kernel compares. */
const COMPARED_BYTES = 256;

/** The machines of programs, by their number in the file: as platforms name them, and as qemu does. */
const MACHINES: Readonly<Record<number, readonly [platform: string, qemu: string]>> = {
  3: ["386", "i386"],
  8: ["mips", "mips"],
  20: ["ppc", "ppc"],
  21: ["ppc64le", "ppc64le"],
  22: ["s390x", "s390x"],
  40: ["arm", "arm"],
  62: ["amd64", "x86_64"],
  183: ["arm64", "aarch64"],
  243: ["riscv64", "riscv64"],
  258: ["loong64", "loongarch64"],
};

/** What a processor executes by itself, by `process.arch`. */
const NATIVE: Readonly<Record<string, readonly number[]>> = {
  x64: [62, 3],
  arm64: [183, 40],
  s390x: [22],
  ppc64: [21, 20],
  riscv64: [243],
};

/** Where to look, and for whom. */
export interface ProgramSurroundings {
  /** As `process.arch`. */
  readonly architecture?: string;
  /** Where the kernel lists the formats that it leaves to other programs. */
  readonly binfmt?: string;
}

/** A program that the kernel does not execute. */
export interface ForeignProgram {
  /** In the root. */
  readonly path: string;
  /** What it is for, in the words of the OCI image index. */
  readonly architecture: string;
  /** What is missing. */
  readonly fix: string;
}

/** Which program of a step cannot be executed here because of its machine; undefined if that is no reason. */
export function foreignProgram(
  step: ProgramPlace,
  { architecture = process.arch, binfmt = BINFMT }: ProgramSurroundings = {},
): ForeignProgram | undefined {
  const path = interpreterOf(step, findProgram(step));
  if (path === undefined) return undefined;
  const start = readStart(step.root + path, COMPARED_BYTES);
  if (start.length < 20 || start.readUInt32BE(0) !== ELF_MAGIC) return undefined;
  const machine = start[5] === 2 ? start.readUInt16BE(18) : start.readUInt16LE(18);
  if ((NATIVE[architecture] ?? [machine]).includes(machine)) return undefined;
  const [platform, qemu] = MACHINES[machine] ?? [`machine ${machine}`, undefined];
  const handler = handlerOf(start, binfmt);
  if (handler?.isLoaded === true) return undefined;
  if (handler !== undefined) {
    const fix =
      `register the emulator of binfmt_misc with the flag F (fix binary), as the package qemu-user-static ` +
      "does: the image has none";
    return { path, architecture: platform, fix };
  }
  const name = qemu === undefined ? "" : ` (binfmt_misc has no handler such as qemu-${qemu})`;
  const fix =
    `install qemu-user-static and binfmt-support, which have the kernel run it in an emulator${name}, ` +
    "or choose a base image and a --platform of this machine";
  return { path, architecture: platform, fix };
}

/** What the kernel executes for a script; the program itself for any other. */
function interpreterOf({ root }: ProgramPlace, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const start = readStart(root + path, COMPARED_BYTES).toString("latin1");
  const name = /^#![ \t]*([^ \t\n]+)/.exec(start)?.[1];
  if (name === undefined) return path;
  const { path: resolved, stats } = resolveInRoot(root, name);
  return stats?.isFile() === true ? resolved : undefined;
}

interface Handler {
  /** The emulator was opened when it was registered, so the image need not have it. */
  readonly isLoaded: boolean;
}

/** The registered format of a program. */
function handlerOf(start: Uint8Array, binfmt: string): Handler | undefined {
  for (const name of listIfThere(binfmt)) {
    if (name === "register" || name === "status") continue;
    const text = readIfThere(`${binfmt}/${name}`);
    const field = (key: string): string | undefined =>
      new RegExp(`^${key}:? ?(.*)$`, "m").exec(text)?.[1];
    const magic = Buffer.from(field("magic") ?? "", "hex");
    if (!text.startsWith("enabled") || magic.length === 0) continue;
    const mask = Buffer.from(field("mask") ?? "", "hex");
    const offset = Number(field("offset") ?? 0);
    const matches = magic.every((byte, index) => {
      const bits = mask[index] ?? 0xff;
      return ((start[offset + index] ?? 0) & bits) === (byte & bits);
    });
    if (matches) return { isLoaded: field("flags")?.includes("F") === true };
  }
  return undefined;
}

function listIfThere(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
