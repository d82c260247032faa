import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LayerwrightError } from "../../core/errors.ts";
import type { Descriptor } from "../../core/oci/descriptor.ts";
import { type DiffID, sha256 } from "../../core/oci/digest.ts";
import {
  type ContainerConfig,
  type ImageConfig,
  parseImageConfig,
  serializeImageConfig,
} from "../../core/oci/image_config.ts";
import { parseImageIndex } from "../../core/oci/image_index.ts";
import { type Manifest, parseManifest, serializeManifest } from "../../core/oci/manifest.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_MANIFEST, OCI_LAYER_GZIP } from "../../core/oci/media_type.ts";
import {
  formatPlatform,
  normalizePlatform,
  parsePlatform,
  platformMatches,
  selectPlatform,
} from "../../core/oci/platform.ts";
import { bytesOf } from "../support/temp_store.ts";

const SEED = 20260102;
const settings = { seed: SEED, numRuns: 300 };

/** A record without some of its keys. */
function partly<T extends object>(
  arbitraries: { [K in keyof T]-?: fc.Arbitrary<NonNullable<T[K]>> },
): fc.Arbitrary<T> {
  return fc.record(arbitraries, { requiredKeys: [] }).map((value) =>
    ({ ...value }) as unknown as T
  );
}

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const texts = fc.array(text, { maxLength: 3 });
const key = fc.oneof(
  text,
  fc.constantFrom("constructor", "toString", "10", "9", "\u{1f600}", "\uff5e"),
);
const map = fc.dictionary(key, text, { maxKeys: 4, noNullPrototype: true });
const set = fc.dictionary(key, fc.constant({}), { maxKeys: 3, noNullPrototype: true });
const time = fc.constantFrom(
  "1970-01-01T00:00:00Z",
  "2024-02-29T23:59:59.123456789Z",
  "2024-01-01T00:00:00+02:00",
);

const config: fc.Arbitrary<ImageConfig> = fc.tuple(
  partly<Omit<ImageConfig, "architecture" | "os" | "rootfs">>({
    variant: text,
    "os.version": text,
    "os.features": texts,
    created: time,
    author: text,
    config: partly<ContainerConfig>({
      User: text,
      ExposedPorts: set,
      Env: texts,
      Entrypoint: texts,
      Cmd: texts,
      Volumes: set,
      WorkingDir: text,
      Labels: map,
      StopSignal: text,
      ArgsEscaped: fc.boolean(),
      Healthcheck: partly<NonNullable<ContainerConfig["Healthcheck"]>>({
        Test: texts,
        Interval: fc.nat(),
        Timeout: fc.nat(),
        StartPeriod: fc.nat(),
        StartInterval: fc.nat(),
        Retries: fc.nat(),
      }),
      OnBuild: texts,
      Shell: texts,
    }),
    history: fc.array(
      partly<NonNullable<ImageConfig["history"]>[number]>({
        created: time,
        created_by: text,
        author: text,
        comment: text,
        empty_layer: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
  }),
  fc.array(text.map((t) => sha256<DiffID>(t)), { maxLength: 4 }),
).map(([rest, diff_ids]) => ({
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids },
  ...rest,
}));

const descriptor = (mediaType: string): fc.Arbitrary<Descriptor> =>
  fc.tuple(
    text,
    fc.nat(),
    partly<Pick<Descriptor, "annotations" | "urls">>({ annotations: map, urls: texts }),
  )
    .map(([name, size, rest]) => ({ mediaType, digest: sha256(name), size, ...rest }));

const manifest: fc.Arbitrary<Manifest> = fc.tuple(
  descriptor(OCI_IMAGE_CONFIG),
  fc.array(descriptor(OCI_LAYER_GZIP), { maxLength: 4 }),
  partly<Pick<Manifest, "subject" | "annotations">>({
    subject: descriptor(OCI_IMAGE_MANIFEST),
    annotations: map,
  }),
).map(([config, layers, rest]) => ({
  schemaVersion: 2,
  mediaType: OCI_IMAGE_MANIFEST,
  config,
  layers,
  ...rest,
}));

/** The same value with every object's keys set in another order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).reverse().map(([name, item]) => [name, shuffled(item)]),
  );
}

const printed = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test(`parseImageConfig(serializeImageConfig(c)) is c, seed ${SEED}`, () => {
  fc.assert(
    fc.property(config, (c) => assert.deepEqual(parseImageConfig(serializeImageConfig(c)), c)),
    settings,
  );
});

test(`serializeImageConfig() does not depend on the order of keys, seed ${SEED}`, () => {
  fc.assert(
    fc.property(
      config,
      (c) =>
        assert.equal(
          printed(serializeImageConfig(shuffled(c) as ImageConfig)),
          printed(serializeImageConfig(c)),
        ),
    ),
    settings,
  );
});

test(`parseManifest(serializeManifest(m)) is m, and the order of keys does not matter, seed ${SEED}`, () => {
  fc.assert(
    fc.property(manifest, (m) => {
      assert.deepEqual(parseManifest(serializeManifest(m)), m);
      assert.equal(
        printed(serializeManifest(shuffled(m) as Manifest)),
        printed(serializeManifest(m)),
      );
    }),
    settings,
  );
});

test(`parsers answer any JSON with a document or an error of their own, seed ${SEED}`, () => {
  const field = fc.constantFrom(
    "schemaVersion",
    "mediaType",
    "config",
    "layers",
    "manifests",
    "digest",
    "size",
    "rootfs",
    "diff_ids",
    "os",
    "architecture",
    "history",
    "annotations",
    "platform",
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(
        2,
        -1,
        0.5,
        "layers",
        "amd64",
        null,
        true,
        sha256("a"),
        OCI_IMAGE_MANIFEST,
      ),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(field, tie("value"), { maxKeys: 5 }),
    ),
  }));
  fc.assert(
    fc.property(value, (document) => {
      for (const parse of [parseManifest, parseImageIndex, parseImageConfig]) {
        try {
          parse(bytesOf(JSON.stringify(document)));
        } catch (error) {
          assert.ok(error instanceof LayerwrightError, String(error));
        }
      }
    }),
    { ...settings, numRuns: 1500 },
  );
});

const platform = fc.record({
  os: fc.constantFrom("linux", "windows", "Darwin", "macos", "freebsd"),
  architecture: fc.constantFrom(
    "amd64",
    "x86_64",
    "arm64",
    "aarch64",
    "arm",
    "armhf",
    "armel",
    "386",
    "i386",
    "riscv64",
  ),
  variant: fc.constantFrom("", "v1", "v2", "v5", "v6", "7", "v7", "8", "v8", "v9"),
}).map(({ variant, ...rest }) => variant === "" ? rest : { ...rest, variant });

test(`normalizePlatform() is a fixed point that formatPlatform() and parsePlatform() agree on, seed ${SEED}`, () => {
  fc.assert(
    fc.property(platform, (p) => {
      const normal = normalizePlatform(p);
      assert.deepEqual(normalizePlatform(normal), normal);
      assert.deepEqual(
        parsePlatform(formatPlatform(p), { os: "plan9", architecture: "mips" }),
        normal,
      );
      assert.equal(platformMatches(p, normal), true);
      assert.equal(selectPlatform(p, [undefined, normal]), 1);
    }),
    settings,
  );
});
