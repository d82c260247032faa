/**
 * Platforms: operating system, architecture, variant; their names, and which can run which.
 *
 * @see containerd `platforms` (the rules every container tool follows)
 * @module
 */
import { LayerwrightError } from "../errors.ts";

/** What an image runs on, in the words of the OCI image index (which are Go's). */
export interface Platform {
  /** `linux`, `windows`, `darwin`… */
  readonly os: string;
  /** `amd64`, `arm64`, `arm`, `386`… */
  readonly architecture: string;
  /** `v7`; absent where it is the usual one of the architecture. */
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
}

const KNOWN_SYSTEMS: ReadonlySet<string> = new Set(
  ("aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris wasip1 windows")
    .split(" "),
);
const KNOWN_ARCHITECTURES: ReadonlySet<string> = new Set(
  ("386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x wasm")
    .split(" "),
);

/**
 * Parses `os/architecture[/variant]`, or one of the two alone.
 *
 * @param text `linux/arm64/v8`, `linux/x86_64`, `windows(10.0.17763)/amd64`, `arm64`, `linux`.
 * @param defaults What an absent part becomes: the platform of the machine, or of the build.
 * @returns The platform with its usual names: see {@link normalizePlatform}.
 * @throws {LayerwrightError} `PLATFORM_INVALID`, saying which part is wrong.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parsePlatform } from "./platform.ts";
 * const host = { os: "linux", architecture: "amd64" };
 * assert.deepEqual(parsePlatform("linux/armhf", host), { os: "linux", architecture: "arm", variant: "v7" });
 * assert.deepEqual(parsePlatform("aarch64", host), { os: "linux", architecture: "arm64" });
 * ```
 */
export function parsePlatform(text: string, defaults: Platform): Platform {
  const parts = text.split("/");
  const [first = "", second, variant] = parts;
  if (parts.length > 3) throw invalid(text, `${parts.length} parts, at most 3 are known`);
  const system = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]+)\))?$/.exec(first);
  const bad = parts.slice(1).find((part) => !/^[A-Za-z0-9_.-]+$/.test(part));
  if (bad !== undefined || system === null) {
    throw invalid(text, `${JSON.stringify(bad ?? first)} is not a name`);
  }
  const [, os = "", version] = system;
  const osVersion = version === undefined ? {} : { "os.version": version };
  if (second !== undefined) {
    return normalizePlatform({
      os,
      ...osVersion,
      architecture: second,
      ...(variant === undefined ? {} : { variant }),
    });
  }
  const alone = normalizePlatform({ os, architecture: os });
  if (KNOWN_SYSTEMS.has(alone.os)) {
    // An architecture of the default platform makes sense for its own system only, but there is no better one.
    const { architecture, variant: usual } = normalizePlatform(defaults);
    return {
      os: alone.os,
      architecture,
      ...(usual === undefined ? {} : { variant: usual }),
      ...osVersion,
    };
  }
  if (KNOWN_ARCHITECTURES.has(alone.architecture) && version === undefined) {
    return { ...alone, os: normalizePlatform(defaults).os };
  }
  throw invalid(
    text,
    `${JSON.stringify(first)} is neither a known system nor a known architecture`,
  );
}

function invalid(text: string, state: string): LayerwrightError {
  return new LayerwrightError(
    "PLATFORM_INVALID",
    `Cannot use platform ${JSON.stringify(text)}: ${state}`,
    {
      hint: 'write it as "linux/amd64", "linux/arm64" or "linux/arm/v7"',
    },
  );
}

/**
 * Gives a platform its usual names: lower case, Go's words for systems and architectures
 * (`x86_64` → `amd64`, `aarch64` → `arm64`, `armhf` → `arm` `v7`, `macos` → `darwin`), and no variant
 * where it is the one meant anyway (`amd64` `v1`, `arm64` `v8`).
 */
export function normalizePlatform(platform: Platform): Platform {
  const { os: givenOs, architecture: _architecture, variant: _variant, ...rest } = platform;
  const os = givenOs.toLowerCase();
  const { architecture, variant } = normalizeArchitecture(
    platform.architecture.toLowerCase(),
    platform.variant?.toLowerCase() ?? "",
  );
  return {
    os: os === "macos" ? "darwin" : os,
    architecture,
    ...(variant === "" ? {} : { variant }),
    ...rest,
  };
}

function normalizeArchitecture(
  architecture: string,
  variant: string,
): { readonly architecture: string; readonly variant: string } {
  switch (architecture) {
    case "i386":
      return { architecture: "386", variant: "" };
    case "amd64":
    case "x86_64":
    case "x86-64":
      return { architecture: "amd64", variant: variant === "v1" ? "" : variant };
    case "arm64":
    case "aarch64":
      if (["8", "v8", "8.0", "v8.0"].includes(variant)) {
        return { architecture: "arm64", variant: "" };
      }
      if (["9", "9.0", "v9.0"].includes(variant)) return { architecture: "arm64", variant: "v9" };
      return { architecture: "arm64", variant };
    case "armhf":
      return { architecture: "arm", variant: "v7" };
    case "armel":
      return { architecture: "arm", variant: "v6" };
    case "arm":
      return {
        architecture: "arm",
        variant: variant === "" ? "v7" : variant.replace(/^(?=[5-8]$)/, "v"),
      };
    default:
      return { architecture, variant };
  }
}

/** Prints a platform as `os/architecture[/variant]`, with its usual names. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant, "os.version": version } = normalizePlatform(platform);
  const system = version === undefined ? os : `${os}(${version})`;
  return variant === undefined
    ? `${system}/${architecture}`
    : `${system}/${architecture}/${variant}`;
}

/**
 * Whether two platforms are the same one under any of its names.
 * A Windows build number counts only where both give one, and then without its revision.
 */
export function platformMatches(a: Platform, b: Platform): boolean {
  const [x, y] = [normalizePlatform(a), normalizePlatform(b)];
  return x.os === y.os && x.architecture === y.architecture && x.variant === y.variant &&
    (x["os.version"] === undefined || y["os.version"] === undefined ||
      windowsBuild(x["os.version"]) === windowsBuild(y["os.version"]));
}

function windowsBuild(version: string): string {
  return version.split(".").slice(0, 3).join(".");
}

/**
 * Chooses what to run on a machine of platform `wanted`: the same platform, else the nearest older one
 * that the machine can run too (`arm/v7` runs `v6` and `v5`; `amd64/v3` runs `v2` and `v1`; `arm64` runs `arm`).
 *
 * @returns The index of the choice in `offered`, or -1 when none can run.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { selectPlatform } from "./platform.ts";
 * const offered = [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm", variant: "v6" }];
 * assert.equal(selectPlatform({ os: "linux", architecture: "arm", variant: "v7" }, offered), 1);
 * assert.equal(selectPlatform({ os: "linux", architecture: "s390x" }, offered), -1);
 * ```
 */
export function selectPlatform(
  wanted: Platform,
  offered: readonly (Platform | undefined)[],
): number {
  for (const acceptable of runnablePlatforms(normalizePlatform(wanted))) {
    const index = offered.findIndex((one) => one !== undefined && platformMatches(acceptable, one));
    if (index >= 0) return index;
  }
  return -1;
}

/** Itself first, then what it can run too, the newest first. */
function runnablePlatforms(platform: Platform): Platform[] {
  const { variant, architecture, ...system } = platform;
  const versions = (name: string, from: number, to: number): Platform[] =>
    Array.from(
      { length: Math.max(from - to + 1, 0) },
      (_, i) => normalizePlatform({ ...system, architecture: name, variant: `v${from - i}` }),
    );
  const number = Number(/^v(\d)$/.exec(variant ?? "")?.[1] ?? Number.NaN);
  if (architecture === "amd64" && (variant === undefined || number >= 1)) {
    return [platform, ...versions("amd64", (number || 1) - 1, 1), {
      ...system,
      architecture: "386",
    }];
  }
  if (architecture === "arm64" && (variant === undefined || number >= 8)) {
    return [platform, ...versions("arm64", (number || 8) - 1, 8), ...versions("arm", 8, 5)];
  }
  if (architecture === "arm" && number >= 5) return [platform, ...versions("arm", number - 1, 5)];
  return [platform];
}
