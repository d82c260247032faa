/**
 * What a Debian base is made of, checked: the words of a recipe become arguments of programs and lines of `sources.list`.
 *
 * @module
 */
import { LayerwrightError, type SourceOp } from "../../core/mod.ts";
import type { DebianOptions } from "./debian.ts";

/** The scheme of the identifiers that `debian()` makes. */
export const DEBIAN_SCHEME = "debian";

/** The sets of packages that mmdebstrap knows and that give a system which works. */
const VARIANTS: readonly string[] = [
  "apt",
  "buildd",
  "essential",
  "important",
  "minbase",
  "standard",
];
// Each begins with a letter or digit, so none is taken for an option; none ends with a dash, which means "remove" to apt.
const SUITE = /^[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*$/;
const COMPONENT = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
// Debian policy, 5.6.1 and 5.6.12; "=" and a version pin one.
const PACKAGE = /^[a-z0-9](?:[a-z0-9+.-]*[a-z0-9+.])(?:=[0-9][A-Za-z0-9.+:~-]*)?$/;
// No "@" (it would put a password into the image), no brackets (apt's options), no white space, no query.
const MIRROR = /^https?:\/\/[A-Za-z0-9._-]+(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~+-]+)+$/;
const SNAPSHOT = /^[0-9]{8}T[0-9]{6}Z$/;
const HOURS = /^[0-9]{1,6}(?:\.[0-9]{1,6})?$/;
const ATTRIBUTES: readonly string[] = [
  ...["variant", "include", "components", "slim", "mirror", "security-mirror"],
  ...["snapshot", "max-age-hours"],
];

/** Whether an address can be that of a mirror. */
export function isMirror(address: string): boolean {
  return MIRROR.test(address);
}

/** A Debian base, as checked. */
export interface DebianDefinition {
  readonly suite: string;
  readonly variant: string;
  /** Sorted, each once. */
  readonly include: readonly string[];
  /** In the order given. */
  readonly components: readonly string[];
  /** Without manuals, documentation and translations. */
  readonly slim: boolean;
  /** The archive's address, without a slash at its end; undefined: the host's, else Debian's own. */
  readonly mirror?: string;
  /** As {@link mirror}, of the security updates; false: without them. */
  readonly securityMirror?: string | false;
  /** A moment of snapshot.debian.org. */
  readonly snapshot?: string;
  /** How old what is known of the mirror may be. */
  readonly maxAgeHours: number;
}

/** What `debian()` says, as attributes of a source: nothing of what is the default. */
export function attributesOf(options: DebianOptions): Record<string, string> {
  const { variant, include = [], components, slim = false, mirror, securityMirror } = options;
  const { snapshot, maxAgeHours } = options;
  return {
    ...(variant === undefined ? {} : { variant }),
    ...(include.length === 0 ? {} : { include: [...new Set(include)].sort().join(",") }),
    ...(components === undefined ? {} : { components: components.join(",") }),
    ...(slim ? { slim: "true" } : {}),
    ...(mirror === undefined ? {} : { mirror }),
    ...(securityMirror === undefined ? {} : { "security-mirror": securityMirror || "none" }),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(maxAgeHours === undefined ? {} : { "max-age-hours": String(maxAgeHours) }),
  };
}

/**
 * Reads and checks a source of this scheme.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` with one detail line for each thing that is wrong.
 */
export function checkedDefinition(
  { identifier, attributes }: Pick<SourceOp, "identifier" | "attributes">,
): DebianDefinition {
  const wrong: string[] = [];
  const check = (what: string, value: string, rule: RegExp): string => {
    if (!rule.test(value)) wrong.push(`${what} ${JSON.stringify(value)} cannot be one`);
    return value;
  };
  const checkMirror = (what: string, address: string): void => {
    if (isMirror(address)) return;
    // What may be a password is not shown.
    const shown = address.replace(/^([^@]*:\/\/)?.*@/s, "$1***@");
    const why = shown === address
      ? "not http(s)://HOST/PATH"
      : "it would put its user into the image";
    wrong.push(`${what} ${JSON.stringify(shown)} cannot be one: ${why}`);
  };
  for (const name of Object.keys(attributes)) {
    if (!ATTRIBUTES.includes(name)) wrong.push(`there is no option ${JSON.stringify(name)}`);
  }
  const suite = check("suite", identifier.slice(`${DEBIAN_SCHEME}://`.length), SUITE);
  const { variant = "minbase", mirror, snapshot, slim = "false" } = attributes;
  if (!VARIANTS.includes(variant)) {
    wrong.push(`variant ${JSON.stringify(variant)} is none of ${VARIANTS.join(", ")}`);
  }
  const include = listOf(attributes["include"]);
  for (const name of include) check("package", name, PACKAGE);
  const components = listOf(attributes["components"] ?? "main");
  for (const name of components) check("component", name, COMPONENT);
  if (components.length === 0) wrong.push("there are no components");
  check("slim", slim, /^(?:true|false)$/);
  const security = attributes["security-mirror"];
  if (mirror !== undefined) checkMirror("mirror", mirror);
  if (security !== undefined && security !== "none") checkMirror("security mirror", security);
  if (snapshot !== undefined) {
    check("snapshot", snapshot, SNAPSHOT);
    if (mirror !== undefined) wrong.push("a snapshot has a mirror of its own");
  }
  const maxAgeHours = check("maxAgeHours", attributes["max-age-hours"] ?? "24", HOURS);
  if (wrong.length > 0) {
    throw new LayerwrightError("OPTION_INVALID", `Cannot use Debian base "${identifier}"`, {
      details: wrong,
      hint: 'write it like debian({ suite: "bookworm", include: ["ca-certificates"] })',
    });
  }
  return {
    suite,
    variant,
    include,
    components,
    slim: slim === "true",
    ...(mirror === undefined ? {} : { mirror }),
    ...(security === undefined ? {} : { securityMirror: security === "none" ? false : security }),
    ...(snapshot === undefined ? {} : { snapshot }),
    maxAgeHours: Number(maxAgeHours),
  };
}

function listOf(text = ""): string[] {
  return text === "" ? [] : text.split(",");
}
