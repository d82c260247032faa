/**
 * What a mirror holds now, by the digests of its signed lists of packages.
 *
 * Which versions of all packages there are follows from these lists (`InRelease`), so they stand for the packages in a
 * base's key. Their signatures are checked by apt when the base is made; here nothing is taken from them but a date.
 *
 * @module
 */
import { readFileSync, rmSync, statSync } from "node:fs";
import { LayerwrightError, sha256, type SourceContext } from "../../core/mod.ts";
import type { Archive } from "./archive.ts";
import type { DebianDefinition } from "./definition.ts";
import { requireTool, runTool } from "./tools.ts";

/** The state of the sources of a base. */
export interface Releases {
  /** Digests of the lists, sorted. */
  readonly digests: readonly string[];
  /**
   * When that of the suite itself was made, in seconds since the epoch: the time of the base. Those of its updates are
   * made anew every few days, with or without other packages, and the same packages shall give the same bytes.
   */
  readonly dateSeconds: number;
}

/** {@link Releases}, and whether that is what the mirror says today. */
export interface FoundReleases extends Releases {
  /** Why the mirror could not be asked, so that this is what it said last; undefined if nothing is wrong. */
  readonly stale?: LayerwrightError;
}

const APT_HELPER = "/usr/lib/apt/apt-helper";
const RELEASE_LIMIT_BYTES = 16 * 1024 * 1024;
const HOUR_MS = 3_600_000;
const SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----";

/**
 * Finds the state of a base's sources: what is remembered if that is recent enough, else what the mirrors say; and what is
 * remembered again if they cannot be reached.
 *
 * @throws {LayerwrightError} `SOURCE_MISSING` for a suite that a mirror does not have; `DEBIAN_MIRROR_UNREACHABLE` if
 * nothing is remembered; `DEBIAN_TOOL_MISSING`.
 */
export async function findReleases(
  { maxAgeHours, snapshot }: DebianDefinition,
  archive: Archive,
  context: SourceContext,
): Promise<FoundReleases> {
  const key = sha256(`debian-releases\n${archive.releases.join("\n")}`);
  const known = context.store.cache.get(key);
  const releases = known === undefined ? undefined : known.result as Releases;
  if (known !== undefined && releases !== undefined) {
    const ageMs = Date.now() - known.createdMs;
    // What a snapshot holds never changes. A clock that went back says nothing of an age.
    if (snapshot !== undefined || (ageMs >= 0 && ageMs < maxAgeHours * HOUR_MS)) return releases;
  }
  try {
    return await lookUpReleases(archive, context);
  } catch (error) {
    const unreachable = error instanceof LayerwrightError &&
      error.code === "DEBIAN_MIRROR_UNREACHABLE";
    if (releases === undefined || !unreachable) throw error;
    return { ...releases, stale: error };
  }
}

/** Asks the mirrors, and remembers what they said. */
export async function lookUpReleases(
  archive: Archive,
  context: SourceContext,
): Promise<Releases> {
  const answers = await Promise.allSettled(
    archive.releases.map((address) => lookUp(address, context)),
  );
  const found = answers.map((answer) => {
    // In order: a suite that there is not is named rather than its updates.
    if (answer.status === "rejected") throw answer.reason;
    return answer.value;
  });
  const releases: Releases = {
    digests: [...new Set(found.map(({ digest }) => digest))].sort(),
    dateSeconds: found[0]?.dateSeconds ?? 0,
  };
  context.store.cache.put({
    key: sha256(`debian-releases\n${archive.releases.join("\n")}`),
    kind: "debian-releases",
    identity: archive.releases.join(" "),
    compat: 1,
    preimage: { releases: archive.releases },
    result: releases,
  });
  return releases;
}

async function lookUp(
  address: string,
  { store, signal }: SourceContext,
): Promise<{ readonly digest: string; readonly dateSeconds: number }> {
  const path = store.temp.newPath();
  try {
    // apt's own, so that proxies, certificates and passwords are those of the machine's apt.
    const { exitCode, lines } = await runTool([
      requireTool(APT_HELPER, "apt"),
      ...["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"],
      ...["-o", "Acquire::https::Timeout=20", "-o", "APT::Sandbox::User=root"],
      ...["download-file", address, path],
    ], { signal });
    if (exitCode !== 0) throw unreachable(address, lines.filter((line) => line.startsWith("E:")));
    const size = statSync(path).size;
    if (size > RELEASE_LIMIT_BYTES) throw unreachable(address, [`it sends ${size} bytes`]);
    const bytes = readFileSync(path);
    const text = bytes.toString("utf8");
    const date = Date.parse(/^Date: (.+)$/m.exec(text)?.[1] ?? "");
    if (!text.startsWith(SIGNED) || !Number.isFinite(date) || date < 0) {
      throw unreachable(address, ["it sends something else than a signed list: a login page?"]);
    }
    return { digest: sha256(bytes), dateSeconds: Math.floor(date / 1000) };
  } finally {
    rmSync(path, { force: true });
  }
}

function unreachable(address: string, details: readonly string[]): LayerwrightError {
  if (details.some((line) => /\b40[34]\b|\b410\b/.test(line))) {
    return new LayerwrightError(
      "SOURCE_MISSING",
      `Cannot make a Debian base: the mirror has no "${address}"`,
      {
        details,
        hint: "correct the suite, or name a mirror that has it: debian({ suite, mirror })",
      },
    );
  }
  return new LayerwrightError(
    "DEBIAN_MIRROR_UNREACHABLE",
    `Cannot make a Debian base: no answer from "${address}"`,
    {
      details,
      hint: "check the network and the proxy, or name another mirror: debian({ suite, mirror })",
    },
  );
}
