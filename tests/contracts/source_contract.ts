/**
 * What every source promises, whatever its scheme.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LayerwrightError } from "../../core/errors.ts";
import type { ResolvedSource, Source, SourceContext } from "../../core/execute/source.ts";
import type { SourceOp } from "../../core/graph/op.ts";
import { normalizeEntries } from "../../core/layer/normalize.ts";
import { comparePaths } from "../../core/layer/path_order.ts";
import { Observations } from "../../core/context/observations.ts";
import { parseImageConfig } from "../../core/oci/image_config.ts";
import { type TempEngine, tempEngine } from "../support/temp_engine.ts";

/** One source and something it can find. */
export interface SourceCase {
  readonly name: string;
  readonly source: Source;
  /** Makes the thing, and says how it is called. */
  prepare(lw: TempEngine): Promise<string>;
  /** An identifier of the scheme that names nothing. */
  readonly missing: string;
  readonly skip?: string | false;
}

function op(identifier: string): SourceOp {
  return {
    type: "source",
    identifier,
    attributes: {},
    platform: { os: "linux", architecture: "amd64" },
  };
}

async function resolve(
  lw: TempEngine,
  source: Source,
  identifier: string,
): Promise<ResolvedSource> {
  using store = await lw.engine.openStore();
  const observations = new Observations({ nowMs: Date.now() });
  const context: SourceContext = { store, contextDirectory: lw.context, observations };
  return await source.resolve(op(identifier), context);
}

/** Runs the contract on one source. */
export function sourceContract({ name, source, prepare, missing, skip = false }: SourceCase): void {
  const title = (criterion: string): string =>
    `${name}.resolve() ${criterion}${skip === false ? "" : ` (${skip})`}`;
  const options = { skip: skip !== false };

  test(title("finds the same twice"), options, async () => {
    using lw = tempEngine();
    const identifier = await prepare(lw);
    assert.deepEqual(await resolve(lw, source, identifier), await resolve(lw, source, identifier));
  });

  test(title("gives what a layer can be made of"), options, async () => {
    using lw = tempEngine();
    const found = await resolve(lw, source, await prepare(lw));
    if (found.kind === "image") {
      using store = await lw.engine.openStore();
      const { rootfs } = parseImageConfig(found.config);
      assert.deepEqual(found.layers.map(({ diffId }) => diffId), rootfs.diff_ids);
      for (const { diffId, sizeBytes } of found.layers) {
        assert.equal(store.layers.get(diffId)?.sizeBytes, sizeBytes);
      }
      return;
    }
    const paths = found.entries.map(({ path }) => path);
    assert.deepEqual(paths, [...paths].sort(comparePaths));
    assert.equal(new Set(paths).size, paths.length);
    assert.equal(normalizeEntries(found.entries, { epochSeconds: 0 }).length, paths.length);
  });

  test(title("says what it did not find, with a fix"), options, async () => {
    using lw = tempEngine();
    await assert.rejects(resolve(lw, source, missing), (error) => {
      assert.ok(error instanceof LayerwrightError);
      assert.match(error.code, /_(?:MISSING|NOT_FOUND)$/);
      assert.notEqual(error.hint, undefined);
      return true;
    });
  });
}
