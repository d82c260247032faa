/**
 * Layers as directories: made when a step needs them, kept for the next one.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chainIds } from "../oci/chain_id.ts";
import type { ChainID } from "../oci/digest.ts";
import type { ExecSession } from "./executor.ts";
import type { LayerRef } from "./vertex_result.ts";
import { checkNotCancelled, type Workbench } from "./workbench.ts";

/** The unpacked directories of one build's session. */
export class Snapshots {
  readonly #bench: Workbench;
  readonly #session: ExecSession;
  /** See {@link ExecutorProbe.snapshotVariant}. */
  readonly #variant: string | undefined;
  /** Those of a session that keeps none beyond its end. */
  readonly #passing = new Map<ChainID, Promise<string>>();
  /** Where those are, if the session has a place of its own for them. */
  readonly #passingFolder: string | undefined;
  #passingCount = 0;

  constructor(
    bench: Workbench,
    session: ExecSession,
    variant: string | undefined,
    passingFolder?: string,
  ) {
    this.#passingFolder = passingFolder;
    this.#bench = bench;
    this.#session = session;
    this.#variant = variant;
  }

  /** See {@link ExecutorProbe.snapshotVariant}; undefined where directories are gone with the session. */
  get variant(): string | undefined {
    return this.#variant;
  }

  /** The directories of a stack, topmost first, as overlay wants them. */
  async lowersOf(layers: readonly LayerRef[]): Promise<string[]> {
    const lowers: string[] = [];
    const chains = chainIds(layers.map(({ diffId }) => diffId));
    for (const [index, layer] of layers.entries()) {
      const chain = chains[index];
      if (chain === undefined) break;
      lowers.unshift(
        this.#variant === undefined
          ? await this.#passingDirectoryOf(chain, layer, [...lowers])
          : await this.#directoryOf(chain, this.#variant, { layer, lowers: [...lowers] }),
      );
    }
    return lowers;
  }

  async #directoryOf(
    chain: ChainID,
    variant: string,
    { layer, lowers }: { readonly layer: LayerRef; readonly lowers: readonly string[] },
  ): Promise<string> {
    const { store, signal } = this.#bench;
    const there = (): string | undefined => store.snapshots.get(chain, variant)?.directory;
    const make = async (): Promise<string> => {
      const made = there();
      if (made !== undefined) return made;
      const directory = store.snapshots.prepare();
      await this.#unpack(directory, layer, lowers);
      return await this.commit(directory, { chainId: chain, sizeBytes: layer.sizeBytes });
    };
    return there() ?? await store.withLock(`snapshot ${variant} ${chain}`, signal, make);
  }

  /** Unpacks a layer once for this session. */
  async #passingDirectoryOf(
    chain: ChainID,
    layer: LayerRef,
    lowers: readonly string[],
  ): Promise<string> {
    const known = this.#passing.get(chain);
    if (known !== undefined) return await known;
    const directory = this.newPath();
    const made = this.#unpack(directory, layer, lowers).then(() => directory);
    this.#passing.set(chain, made);
    return await made;
  }

  async #unpack(directory: string, layer: LayerRef, lowers: readonly string[]): Promise<void> {
    const { signal, space, trees } = this.#bench;
    checkNotCancelled(signal);
    trees.verify(layer.diffId);
    try {
      await this.#session.unpack({ tarPath: space.pathOf(layer.diffId), lowers, directory });
    } catch (error) {
      await this.#session.remove([directory]);
      throw error;
    }
  }

  /** A path on the file system of the snapshots that does not exist yet. */
  newPath(): string {
    return this.#passingFolder === undefined
      ? this.#bench.store.temp.newPath()
      : join(this.#passingFolder, `layer-${++this.#passingCount}`);
  }

  /** Gives a finished directory its name; should there be one of that name already, that one stays. */
  async commit(
    directory: string,
    tree: { readonly chainId: ChainID; readonly sizeBytes: number },
  ): Promise<string> {
    const variant = this.#variant;
    if (variant === undefined) {
      this.#passing.set(tree.chainId, Promise.resolve(directory));
      return directory;
    }
    const snapshot = this.#bench.store.snapshots.commit(directory, { ...tree, variant });
    if (existsSync(directory)) await this.#session.remove([directory]);
    return snapshot.directory;
  }
}
