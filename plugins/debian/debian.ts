/**
 * `debian()`: a base image made from Debian's packages, without a registry.
 *
 * @module
 */
import { source, type SourceValue } from "../../core/mod.ts";
import { attributesOf, checkedDefinition, DEBIAN_SCHEME } from "./definition.ts";

/** What goes into a Debian base, and where it comes from. */
export interface DebianOptions {
  /** The release: `bookworm`, `trixie`, `sid`. */
  readonly suite: string;
  /**
   * The set of packages to begin with: `essential`; `apt`, which adds apt to it; `minbase` (default), which adds what has
   * priority "required"; `buildd`, with compilers; `important`; `standard`.
   */
  readonly variant?: "essential" | "apt" | "minbase" | "buildd" | "important" | "standard";
  /** Packages to add, with what they depend on: `ca-certificates`, or with a version `hello=2.10-3`. */
  readonly include?: readonly string[];
  /** Parts of the archive; `["main"]` unless given. */
  readonly components?: readonly string[];
  /** Leave out manuals, documentation (not licences) and translations, here and in what is installed later. */
  readonly slim?: boolean;
  /**
   * The archive, such as `https://deb.debian.org/debian`. Unless given, the one that this machine's apt uses if it is a
   * Debian, else Debian's own. It stands in the image, so name it if the same bytes are to come out everywhere.
   */
  readonly mirror?: string;
  /** The archive of security updates; `false` for none. As {@link mirror} unless given. */
  readonly securityMirror?: string | false;
  /** A moment of snapshot.debian.org, `20250520T000000Z`: the same packages for ever. */
  readonly snapshot?: string;
  /** How many hours may pass before the mirror is asked again what is new; 24 unless given, 0 asks each time. */
  readonly maxAgeHours?: number;
}

/**
 * A Debian root file system as a base: made from packages by mmdebstrap once, then kept in the store. Without network, the
 * last one is used. Nothing is read before the build.
 *
 * The bytes follow from the options, the architecture and what the mirror holds: whoever makes it, root or not, gets the
 * same layer.
 *
 * @throws {LayerwrightError} `OPTION_INVALID`, saying all that is wrong.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { debian } from "./debian.ts";
 * const base = debian({ suite: "bookworm", include: ["tzdata", "ca-certificates"] });
 * assert.equal(base.identifier, "debian://bookworm");
 * assert.deepEqual(base.attributes, { include: "ca-certificates,tzdata" });
 * assert.throws(() => debian({ suite: "x; rm -rf /" }), { code: "OPTION_INVALID" });
 * ```
 */
export function debian(options: DebianOptions): SourceValue {
  const value = source(`${DEBIAN_SCHEME}://${options.suite}`, attributesOf(options));
  checkedDefinition(value);
  return value;
}
