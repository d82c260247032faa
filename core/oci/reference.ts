/**
 * References: the names people and registries give to images.
 *
 * @see github.com/distribution/reference: the grammar in its package comment, and normalize.go
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import { type Digest, isDigest } from "./digest.ts";

/** A reference in its parts, with nothing left to guess. */
export interface Reference {
  /** `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly domain: string;
  /** `library/debian`, `team/app`: the repository inside the domain. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const DEFAULT_DOMAIN = "docker.io";
const LEGACY_DOMAIN = "index.docker.io";
const OFFICIAL_PREFIX = "library/";
const DEFAULT_TAG = "latest";
// The distribution grammar's RepositoryNameTotalLengthMax.
const PATH_LIMIT = 255;

const DOMAIN_COMPONENT = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = new RegExp(
  `^(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`,
);
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const TAG_LIMIT = 128;

/**
 * Parses a reference as docker does: `domain/path:tag@digest`, where a missing domain is `docker.io`,
 * a lone name there is in `library/`, and a reference with neither tag nor digest means `latest`.
 *
 * @throws {LayerwrightError} `REFERENCE_INVALID`, saying which part is wrong and what would be right.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { formatReference, parseReference } from "./reference.ts";
 * assert.equal(formatReference(parseReference("debian")), "docker.io/library/debian:latest");
 * assert.deepEqual(parseReference("localhost:5000/app:dev"), { domain: "localhost:5000", path: "app", tag: "dev" });
 * assert.throws(() => parseReference("My/App"), { code: "REFERENCE_INVALID" });
 * ```
 */
export function parseReference(text: string): Reference {
  if (text === "") throw invalid(text, "it is empty");
  // Docker takes 64 hex digits for an image ID wherever a name may stand.
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw invalid(text, "64 hex digits are an image ID, not a name", `sha256:${text} is a digest`);
  }
  const at = text.indexOf("@");
  const named = at < 0 ? text : text.slice(0, at);
  const slash = named.lastIndexOf("/");
  const colon = named.indexOf(":", slash + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const { domain, path } = splitDomain(name);
  checkName(text, domain, path);
  if (tag !== undefined) checkTag(text, tag);
  if (digest !== undefined && !isDigest(digest)) {
    throw invalid(
      text,
      `${JSON.stringify(digest)} is not a digest`,
      'write "@sha256:" and 64 lower-case hex digits after the name',
    );
  }
  if (digest !== undefined) return { domain, path, ...(tag === undefined ? {} : { tag }), digest };
  return { domain, path, tag: tag ?? DEFAULT_TAG };
}

/** Docker's rule: what stands before the first `/` is a domain if a path could not look like it. */
function splitDomain(name: string): { readonly domain: string; readonly path: string } {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const isDomain = slash >= 0 &&
    (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  let domain = isDomain ? first : DEFAULT_DOMAIN;
  let path = isDomain ? name.slice(slash + 1) : name;
  if (domain === LEGACY_DOMAIN) domain = DEFAULT_DOMAIN;
  if (domain === DEFAULT_DOMAIN && !path.includes("/")) path = OFFICIAL_PREFIX + path;
  return { domain, path };
}

function checkName(text: string, domain: string, path: string): void {
  if (!DOMAIN.test(domain)) {
    throw invalid(
      text,
      `${JSON.stringify(domain)} is not a registry`,
      'write it as "registry.example" or "localhost:5000"',
    );
  }
  const shown = domain === DEFAULT_DOMAIN && path.startsWith(OFFICIAL_PREFIX)
    ? path.slice(OFFICIAL_PREFIX.length)
    : path;
  const components = shown.split("/");
  const bad = components.find((component) => !PATH_COMPONENT.test(component));
  if (bad !== undefined) {
    if (components.every((component) => PATH_COMPONENT.test(component.toLowerCase()))) {
      // A capital made the first part a domain: "My/App" was meant as "my/app".
      const registry = /[.:]/.test(domain) ? domain : domain.toLowerCase();
      const lower = familiarReference({ domain: registry, path: path.toLowerCase() });
      throw invalid(text, "repository names are lower case", `write ${JSON.stringify(lower)}`);
    }
    throw invalid(
      text,
      bad === ""
        ? "a part of its path is empty"
        : `${JSON.stringify(bad)} cannot be part of a repository name`,
      "use lower-case letters and digits, with single . or _, double __ or dashes between them",
    );
  }
  if (path.length > PATH_LIMIT) {
    throw invalid(
      text,
      `its path has ${path.length} characters, at most ${PATH_LIMIT} are allowed`,
    );
  }
}

function checkTag(text: string, tag: string): void {
  if (TAG.test(tag)) return;
  const state = tag === ""
    ? "its tag is empty"
    : tag.length > TAG_LIMIT
    ? `its tag has ${tag.length} characters, at most ${TAG_LIMIT} are allowed`
    : `${JSON.stringify(tag)} cannot be a tag`;
  throw invalid(
    text,
    state,
    "use letters, digits, _ . and - in tags, the first one neither . nor -",
  );
}

function invalid(text: string, state: string, hint?: string): LayerwrightError {
  const shown = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return new LayerwrightError(
    "REFERENCE_INVALID",
    `Cannot use reference ${JSON.stringify(shown)}: ${state}`,
    {
      hint,
    },
  );
}

/** Prints a reference in full: the one spelling that stores and keys use. */
export function formatReference(reference: Reference): string {
  return `${reference.domain}/${reference.path}${suffix(reference)}`;
}

/** Prints a reference as short as docker would: `debian:12` for `docker.io/library/debian:12`. */
export function familiarReference(reference: Reference): string {
  const { domain, path } = reference;
  if (domain !== DEFAULT_DOMAIN) return formatReference(reference);
  const rest = path.startsWith(OFFICIAL_PREFIX) ? path.slice(OFFICIAL_PREFIX.length) : path;
  // "library/a/b" and a first part that looks like a domain would be read as something else.
  const short = rest.includes("/") && rest !== path ? path : rest;
  return splitDomain(short).domain === domain && splitDomain(short).path === path
    ? short + suffix(reference)
    : formatReference(reference);
}

function suffix({ tag, digest }: Reference): string {
  return `${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}
