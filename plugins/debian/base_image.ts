/**
 * Finds or makes the image of a Debian base.
 *
 * @module
 */
import { rmSync } from "node:fs";
import {
  type DiffID,
  type ImageConfig,
  LayerwrightError,
  type ResolvedSource,
  sha256,
  type SourceContext,
  type SourceOp,
} from "../../core/mod.ts";
import { type Archive, archiveOf } from "./archive.ts";
import { writeBaseLayer } from "./base_layer.ts";
import { bootstrap } from "./bootstrap.ts";
import { checkedDefinition, type DebianDefinition } from "./definition.ts";
import { hostMirrors } from "./host_mirrors.ts";
import { findReleases, lookUpReleases, type Releases } from "./releases.ts";

/** Grows when the same packages become other bytes. */
const RULES = 1;

/** Debian's words for the architectures of images. */
const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ["386", "i386"],
  ["amd64", "amd64"],
  ["arm64", "arm64"],
  ["arm/v5", "armel"],
  ["arm/v6", "armel"],
  ["arm/v7", "armhf"],
  ["arm", "armhf"],
  ["mips64le", "mips64el"],
  ["ppc64le", "ppc64el"],
  ["riscv64", "riscv64"],
  ["s390x", "s390x"],
]);

interface BaseLayer {
  readonly diffId: DiffID;
  readonly sizeBytes: number;
}

/** All that decides the bytes of a base. */
interface Base {
  readonly definition: DebianDefinition;
  readonly archive: Archive;
  readonly architecture: string;
}

/**
 * The image of a `debian://` source.
 *
 * @throws {LayerwrightError} `OPTION_INVALID`, `SOURCE_UNSUPPORTED`, `SOURCE_MISSING`, `DEBIAN_MIRROR_UNREACHABLE`,
 * `DEBIAN_TOOL_MISSING`, `DEBIAN_FAILED`.
 */
export async function baseImage(op: SourceOp, context: SourceContext): Promise<ResolvedSource> {
  const definition = checkedDefinition(op);
  const archive = archiveOf(definition, definition.snapshot === undefined ? hostMirrors() : {});
  const base: Base = { definition, archive, architecture: architectureOf(op) };
  const { stale, ...found } = await findReleases(definition, archive, context);
  let releases: Releases = found;
  let layer = storedLayer(base, releases, context);
  if (stale !== undefined) {
    // It was there, and is not any more: nothing but the mirror can help.
    if (layer === undefined) throw stale;
    context.warn?.(`${stale.message}; the base of ${isoDate(releases)} is used again`);
  }
  if (layer === undefined) ({ layer, releases } = await makeBase(base, releases, context));
  return {
    kind: "image",
    config: new TextEncoder().encode(JSON.stringify(configOf(op, base, releases, layer))),
    layers: [layer],
    // What a snapshot holds now it held then; of all others the clock decides whether to ask again.
    ...(definition.snapshot === undefined ? {} : { observed: true }),
  };
}

async function makeBase(
  base: Base,
  known: Releases,
  context: SourceContext,
): Promise<{ readonly layer: BaseLayer; readonly releases: Releases }> {
  const { store, signal } = context;
  let releases = known;
  for (let attempt = 1;; attempt++) {
    const key = keyOf(base, releases);
    const made = await store.withLock(key, signal, async () =>
      // Another process may have made it while this one waited for the lock.
      storedLayer(base, releases, context) ?? await makeLayer(base, releases, context));
    if (made !== "changed") return { layer: made, releases };
    if (attempt === 2) {
      throw new LayerwrightError(
        "DEBIAN_FAILED",
        `Cannot make Debian base "${base.definition.suite}": its mirror changes while it is read`,
        { hint: "build again in some minutes" },
      );
    }
    releases = await lookUpReleases(base.archive, context);
  }
}

/** Makes the layer, unless the mirror holds something else by now than what stands in the key. */
async function makeLayer(
  { definition, archive, architecture }: Base,
  releases: Releases,
  context: SourceContext,
): Promise<BaseLayer | "changed"> {
  const { store, signal } = context;
  const [tarPath, layerPath] = [store.temp.newPath(), store.temp.newPath()];
  const log = context.log ?? ((): void => {});
  try {
    const used = await bootstrap({
      ...{ definition, archive, architecture, releases, tarPath, log, signal },
    });
    if (used.join() !== releases.digests.join()) return "changed";
    const written = writeBaseLayer(tarPath, layerPath, releases.dateSeconds);
    await store.layers.addFromTemp(layerPath, written);
    const { diffId, sizeBytes } = written;
    store.cache.put({
      key: keyOf({ definition, archive, architecture }, releases),
      kind: "debian",
      identity: `debian://${definition.suite}`,
      compat: RULES,
      preimage: preimageOf({ definition, archive, architecture }, releases),
      result: { diffId, sizeBytes },
    });
    return { diffId, sizeBytes };
  } finally {
    for (const path of [tarPath, layerPath]) rmSync(path, { force: true });
  }
}

function storedLayer(
  base: Base,
  releases: Releases,
  { store }: SourceContext,
): BaseLayer | undefined {
  const record = store.cache.get(keyOf(base, releases));
  if (record === undefined) return undefined;
  const { diffId, sizeBytes } = record.result as BaseLayer;
  return store.layers.get(diffId)?.sizeBytes === sizeBytes ? { diffId, sizeBytes } : undefined;
}

function preimageOf({ definition, archive, architecture }: Base, { digests }: Releases): object {
  const { suite, variant, include, slim } = definition;
  const { lines } = archive;
  return { rules: RULES, suite, variant, include, slim, architecture, lines, releases: digests };
}

function keyOf(base: Base, releases: Releases): string {
  return sha256(`debian\n${JSON.stringify(preimageOf(base, releases))}`);
}

function architectureOf({ identifier, platform }: SourceOp): string {
  const { os, architecture, variant } = platform;
  const found = ARCHITECTURES.get(`${architecture}/${variant}`) ?? ARCHITECTURES.get(architecture);
  if (os === "linux" && found !== undefined) return found;
  throw new LayerwrightError(
    "SOURCE_UNSUPPORTED",
    `Cannot make "${identifier}" for ${os}/${architecture}: Debian has no such architecture`,
    { hint: `build for one of ${[...ARCHITECTURES.keys()].join(", ")}` },
  );
}

function configOf(
  { platform: { architecture, variant } }: SourceOp,
  { definition }: Base,
  releases: Releases,
  { diffId }: BaseLayer,
): ImageConfig {
  const packages = [definition.variant, ...definition.include].join(" ");
  const created = isoDate(releases);
  return {
    architecture,
    os: "linux",
    ...(variant === undefined ? {} : { variant }),
    created,
    config: {
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      Cmd: ["bash"],
      WorkingDir: "/",
    },
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{
      created,
      created_by: `DEBIAN ${definition.suite} ${packages}${definition.slim ? " (slim)" : ""}`,
      comment: "layerwright.v0",
    }],
  };
}

/** RFC 3339. */
function isoDate({ dateSeconds }: Releases): string {
  return new Date(dateSeconds * 1000).toISOString().replace(".000Z", "Z");
}
