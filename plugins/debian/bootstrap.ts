/**
 * Has mmdebstrap make a root file system.
 *
 * @see mmdebstrap(1)
 * @module
 */
import { existsSync } from "node:fs";
import { LayerwrightError } from "../../core/mod.ts";
import { type Archive, KEYRING } from "./archive.ts";
import type { DebianDefinition } from "./definition.ts";
import type { Releases } from "./releases.ts";
import { requireTool, runTool, toolMissing, type ToolResult } from "./tools.ts";

/** What a root file system is made of, and where its tar goes. */
export interface BootstrapRequest {
  readonly definition: DebianDefinition;
  readonly archive: Archive;
  /** Debian's word for it: `amd64`, `armhf`. */
  readonly architecture: string;
  readonly releases: Releases;
  /** A path that nothing is at. */
  readonly tarPath: string;
  readonly signal?: AbortSignal | undefined;
  /** Is told what is done now, one line at a time. */
  readonly log: (line: string) => void;
}

// A constant: mmdebstrap gives it to a shell. apt has checked the signatures of these by then.
const PRINT_RELEASES = 'cd "$1"/var/lib/apt/lists && sha256sum *InRelease >&2';
const PRINTED_RELEASE = /^([0-9a-f]{64}) [ *]\S+InRelease$/;
/** What mmdebstrap says of itself. */
const OWN_AFFAIRS =
  /^I: (?:chroot architecture|.*signed-by|.*tempdir|running --customize-hook|done$)/;
const ERROR_LINES = 12;

/** As debian:…-slim has it; Debian policy 12.5 wants the licences kept. */
const SLIM: readonly string[] = [
  "path-exclude=/usr/share/doc/*",
  "path-include=/usr/share/doc/*/copyright",
  ...["groff", "info", "linda", "lintian", "locale", "man"].map((name) =>
    `path-exclude=/usr/share/${name}/*`
  ),
];

/**
 * Makes the tar.
 *
 * @returns The digests of the lists that apt worked with, sorted, each once.
 * @throws {LayerwrightError} `DEBIAN_TOOL_MISSING`; `DEBIAN_FAILED` with the last lines.
 */
export async function bootstrap(request: BootstrapRequest): Promise<string[]> {
  const { definition, archive, architecture, releases, tarPath, signal, log } = request;
  const mmdebstrap = requireTool("mmdebstrap", "mmdebstrap");
  if (!existsSync(KEYRING)) throw toolMissing(KEYRING, "debian-archive-keyring");
  const used = new Set<string>();
  const { exitCode, lines } = await runTool([
    mmdebstrap,
    // For root too: then its mounts are in a namespace of their own, and gone whatever happens.
    ...["--mode=unshare", "--format=tar"],
    ...[`--variant=${definition.variant}`, `--architectures=${architecture}`],
    ...definition.include.map((name) => `--include=${name}`),
    ...(definition.slim ? SLIM.map((option) => `--dpkgopt=${option}`) : []),
    ...[`--customize-hook=${PRINT_RELEASES}`, "--", definition.suite, tarPath, ...archive.lines],
  ], {
    signal,
    environment: { ...await proxies(), SOURCE_DATE_EPOCH: String(releases.dateSeconds) },
    onLine: (line) => {
      const digest = PRINTED_RELEASE.exec(line)?.[1];
      if (digest !== undefined) used.add(`sha256:${digest}`);
      else if (!OWN_AFFAIRS.test(line)) log(line.replace(/^I: /, ""));
    },
  });
  if (exitCode === 0) return [...used].sort();
  throw bootstrapFailure(request, { exitCode, lines });
}

/** What to say when mmdebstrap did not succeed: its own words, and what they ask for. */
export function bootstrapFailure(
  { definition, archive }: Pick<BootstrapRequest, "definition" | "archive">,
  { exitCode, lines }: ToolResult,
): LayerwrightError {
  const errors = lines.filter((line) => /^(?:E|W|dpkg): ?/.test(line));
  return new LayerwrightError(
    "DEBIAN_FAILED",
    `Cannot make Debian base "${definition.suite}" from ${
      archive.lines.map((line) => line.split("] ")[1]).join(", ")
    }: mmdebstrap ended with ${exitCode ?? "a signal"}`,
    { details: (errors.length > 0 ? errors : lines).slice(-ERROR_LINES), hint: hintFor(lines) },
  );
}

function hintFor(lines: readonly string[]): string {
  const text = lines.join("\n");
  if (/sub[ug]id|newuidmap|newgidmap/.test(text)) {
    return "install uidmap (newuidmap) and give this user ids in /etc/subuid and /etc/subgid, or build as root";
  }
  if (/Unable to locate package|has no installation candidate|was not found/.test(text)) {
    return "correct the names in include; other parts of the archive are named by components";
  }
  if (/NO_PUBKEY|is not signed|EXPKEYSIG/.test(text)) {
    return "update the package debian-archive-keyring: it lacks the key of this suite";
  }
  if (/is expired|is not valid yet/.test(text)) {
    return "correct the clock, or name a mirror that is up to date: debian({ suite, mirror })";
  }
  if (/No space left/.test(text)) {
    return "free space in the temporary folder, or move it with TMPDIR";
  }
  if (/arch-test|binfmt|qemu/.test(text)) {
    return "install qemu-user-static and arch-test to run programs of that architecture";
  }
  if (/Operation not permitted|Permission denied/.test(text)) {
    return "run as root with CAP_SYS_ADMIN, or allow user namespaces";
  }
  return "correct what the lines above say";
}

/** What apt of this machine uses; mmdebstrap reads none of its configuration. The environment's come before it. */
async function proxies(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const scheme of ["http", "https"]) {
    if ((process.env[`${scheme}_proxy`] ?? "") !== "") continue;
    const { lines } = await runTool([
      requireTool("apt-config", "apt"),
      ...["dump", "--format", "%v%n", `Acquire::${scheme}::Proxy`],
    ]);
    const proxy = lines[0] ?? "";
    if (/^[a-z0-9]+:\/\/\S+$/.test(proxy)) found[`${scheme}_proxy`] = proxy;
  }
  return found;
}
