/**
 * Where this machine's own apt gets Debian from.
 *
 * @see sources.list(5), both its formats; apt.conf(5)
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isMirror } from "./definition.ts";

/** Addresses without a slash at their end; undefined where the machine knows none. */
export interface HostMirrors {
  readonly archive?: string;
  readonly security?: string;
  /** What apt is told not to ask of these mirrors, as options of `sources.list`: the date of copies that do not move. */
  readonly leniency?: readonly string[];
}

/** One source of apt. */
interface AptSource {
  readonly uris: readonly string[];
  readonly components: readonly string[];
  /** Undefined: any key that apt trusts. */
  readonly signedBy?: string;
}

/**
 * Reads apt's configuration.
 *
 * @param etc The folder with `os-release` and `apt`.
 * @returns Nothing unless this is a Debian: other distributions' mirrors have other packages under the same names.
 */
export function hostMirrors(etc = "/etc"): HostMirrors {
  const id = /^ID=["']?([^"'\n]*)/m.exec(readIfThere(join(etc, "os-release")))?.[1];
  if (id !== "debian") return {};
  const folder = join(etc, "apt/sources.list.d");
  const sources = [
    ...parseLines(readIfThere(join(etc, "apt/sources.list"))),
    ...namesIn(folder).flatMap((name) => {
      const text = readIfThere(join(folder, name));
      if (name.endsWith(".list")) return parseLines(text);
      return name.endsWith(".sources") ? parseStanzas(text) : [];
    }),
  ].filter(isDebians);
  const first = (path: RegExp): string | undefined =>
    sources.flatMap(({ uris }) => uris).map((uri) => uri.replace(/\/+$/, ""))
      .find((uri) => isMirror(uri) && path.test(uri));
  const archive = first(/\/debian$/);
  const security = first(/\/debian-security$/);
  const leniency = parseLeniency([
    readIfThere(join(etc, "apt/apt.conf")),
    ...namesIn(join(etc, "apt/apt.conf.d")).filter((name) => /^[\w-]+(?:\.conf)?$/.test(name))
      .map((name) => readIfThere(join(etc, "apt/apt.conf.d", name))),
  ].join("\n"));
  return {
    ...(archive === undefined ? {} : { archive }),
    ...(security === undefined ? {} : { security }),
    ...(leniency.length === 0 ? {} : { leniency }),
  };
}

/** Settings of `Acquire` that hold for all mirrors; of several the last one. */
export function parseLeniency(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/(?:^|\s)(?:\/\/|#).*$/gm, " ");
  return ["Check-Valid-Until", "Check-Date"].filter((name) => {
    const values = [...code.matchAll(new RegExp(`${name}\\s+"?(\\w+)"?\\s*;`, "gi"))];
    return /^(?:no|false|without|off|disable|0)$/i.test(values.at(-1)?.[1] ?? "");
  }).map((name) => `${name.toLowerCase()}=no`);
}

/** Others too name their folders "debian". Were one taken for Debian, the signatures would not be right. */
function isDebians({ components, signedBy }: AptSource): boolean {
  return components.includes("main") &&
    (signedBy === undefined || signedBy.includes("debian-archive"));
}

/** `deb [option=value …] URI SUITE COMPONENT…`. */
export function parseLines(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+\S+\s+([^#]*)/.exec(line);
    if (match === null) return [];
    const [, options = "", uri = "", components = ""] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1];
    return [sourceOf([uri], words(components), signedBy)];
  });
}

/** Stanzas of `Field: value` as in RFC 822, with an empty line between them. */
export function parseStanzas(text: string): AptSource[] {
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  return lines.join("\n").split(/\n[ \t]*\n+/).flatMap((stanza) => {
    const fields = new Map<string, string>();
    for (const [, name = "", value = ""] of stanza.matchAll(/^([\w-]+):((?:.*)(?:\n[ \t].*)*)/gm)) {
      fields.set(name.toLowerCase(), value.trim());
    }
    if (!words(fields.get("types")).includes("deb")) return [];
    if (/^(?:no|false|without|off|disable)$/i.test(fields.get("enabled") ?? "yes")) return [];
    return [
      sourceOf(words(fields.get("uris")), words(fields.get("components")), fields.get("signed-by")),
    ];
  });
}

function sourceOf(
  uris: readonly string[],
  components: readonly string[],
  signedBy: string | undefined,
): AptSource {
  return { uris, components, ...(signedBy === undefined ? {} : { signedBy }) };
}

function words(text = ""): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
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
