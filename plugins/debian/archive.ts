/**
 * Where the packages of a suite are, as lines of `sources.list`.
 *
 * @see sources.list(5)
 * @module
 */
import type { DebianDefinition } from "./definition.ts";
import type { HostMirrors } from "./host_mirrors.ts";

/** The keys that Debian signs its archive with; package debian-archive-keyring, in the image too wherever apt is. */
export const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

const ARCHIVE = "http://deb.debian.org/debian";
const SECURITY = "http://deb.debian.org/debian-security";
const SNAPSHOTS = "http://snapshot.debian.org/archive";
/** Suites that get their updates in place. */
const ROLLING: readonly string[] = ["experimental", "rc-buggy", "sid", "testing", "unstable"];

/** The sources of one base. */
export interface Archive {
  /** Lines for `sources.list`, in order. */
  readonly lines: readonly string[];
  /** The address of the signed list of each source. */
  readonly releases: readonly string[];
}

/** Says which sources a base is made from: a release that is stable has updates and security updates beside it. */
export function archiveOf(definition: DebianDefinition, host: HostMirrors): Archive {
  const { suite } = definition;
  const archive = archiveMirror(definition, host);
  const security = securityMirror(definition, host);
  const sources: [mirror: Mirror, suite: string][] = [[archive, suite]];
  if (!ROLLING.includes(suite)) {
    sources.push([archive, `${suite}-updates`]);
    if (security !== undefined) sources.push([security, `${suite}-security`]);
  }
  return {
    lines: sources.map(([{ address, leniency = [] }, name]) => {
      // Said here and not left to the machine's own keyrings: the line stands in the image.
      const options = [`signed-by=${KEYRING}`, ...leniency].join(" ");
      return `deb [${options}] ${address} ${name} ${definition.components.join(" ")}`;
    }),
    releases: sources.map(([{ address }, name]) => `${address}/dists/${name}/InRelease`),
  };
}

interface Mirror {
  readonly address: string;
  readonly leniency?: readonly string[] | undefined;
}

// What a snapshot holds has expired long ago.
const OLD: readonly string[] = ["check-valid-until=no"];

function archiveMirror({ mirror, snapshot }: DebianDefinition, host: HostMirrors): Mirror {
  if (snapshot !== undefined) return { address: `${SNAPSHOTS}/debian/${snapshot}`, leniency: OLD };
  if (mirror !== undefined) return { address: mirror };
  return host.archive === undefined
    ? { address: ARCHIVE }
    : { address: host.archive, leniency: host.leniency };
}

function securityMirror(
  { securityMirror: mirror, snapshot }: DebianDefinition,
  host: HostMirrors,
): Mirror | undefined {
  if (mirror === false) return undefined;
  if (mirror !== undefined) return { address: mirror };
  if (snapshot !== undefined) {
    return { address: `${SNAPSHOTS}/debian-security/${snapshot}`, leniency: OLD };
  }
  return host.security === undefined
    ? { address: SECURITY }
    : { address: host.security, leniency: host.leniency };
}
