/**
 * Compiled seccomp filters, made once and kept: making one takes longer than all else that starts a step.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { bindLibseccomp, type Libseccomp } from "./libseccomp.ts";
import type { RuntimeSeccomp } from "./seccomp.ts";

/** What the kernel takes at most: BPF_MAXINSNS of 8 bytes each. */
const MAX_FILTER_BYTES = 4096 * 8;
const INSTRUCTION_BYTES = 8;
const SUM_BYTES = 32;

/** Where filters are kept. */
export interface FilterPlaces {
  /** Outlives the session; absent: filters are made anew in each. */
  readonly cacheDirectory?: string | undefined;
  /** For files of this process alone. */
  readonly scratch: string;
}

/**
 * The filter of a profile, as the kernel takes it.
 *
 * @param library The one of this machine if absent.
 * @returns undefined where libseccomp is missing or refuses the profile: the runtime can still be given the rules.
 */
export function loadFilter(
  profile: RuntimeSeccomp,
  { cacheDirectory, scratch }: FilterPlaces,
  library: Libseccomp | undefined = bindLibseccomp(),
): Uint8Array | undefined {
  if (library === undefined) return undefined;
  // The profile was resolved for this kernel, this architecture and the step's capabilities: they are all in it.
  const key = createHash("sha256").update(JSON.stringify(["1", library.version, profile])).digest();
  const name = `${key.toString("hex").slice(0, 32)}.bpf`;
  const path = cacheDirectory === undefined ? undefined : `${cacheDirectory}/${name}`;
  const kept = path === undefined ? undefined : readFilter(path, key);
  if (kept !== undefined) return kept;
  try {
    const filter = library.compile(profile, `${scratch}/${name}`);
    if (path !== undefined) keepFilter(path, filter, key);
    return filter;
  } catch {
    return undefined;
  }
}

/** Undefined for a file that is missing, damaged, or of another profile. */
function readFilter(path: string, key: Uint8Array): Uint8Array | undefined {
  try {
    const fd = openSync(path, "r");
    try {
      const { size } = fstatSync(fd);
      const length = size - SUM_BYTES;
      if (length <= 0 || length > MAX_FILTER_BYTES || length % INSTRUCTION_BYTES !== 0) {
        return undefined;
      }
      const bytes = readFileSync(fd);
      const filter = bytes.subarray(SUM_BYTES);
      return sumOf(filter, key).equals(bytes.subarray(0, SUM_BYTES)) ? filter : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** Whole or not at all, whoever else does the same. A folder that cannot be written costs time, not the step. */
function keepFilter(path: string, filter: Uint8Array, key: Uint8Array): void {
  try {
    mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    const temporary = `${path}.${crypto.randomUUID()}`;
    writeFileSync(temporary, Buffer.concat([sumOf(filter, key), filter]), {
      mode: 0o600,
      flag: "wx",
    });
    renameSync(temporary, path);
  } catch {
    // Made again the next time.
  }
}

function sumOf(filter: Uint8Array, key: Uint8Array): Buffer {
  return createHash("sha256").update(key).update(filter).digest();
}
