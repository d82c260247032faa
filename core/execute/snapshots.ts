/**
 * Layers as directories on disk: made when a step needs them, kept for the next one.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { chainIds } from "../oci/chain_id.ts";
import type { ChainID } from "../oci/digest.ts";
import type { ExecSession } from "./executor.ts";
import type { LayerRef } from "./vertex_result.ts";
import { checkNotCancelled, type Workbench } from "./workbench.ts";

/** The unpacked directories of one build's sessions. */
export class Snapshots {
  readonly #bench: Workbench;
  readonly #session: ExecSession;
  /** See {@link ExecutorProbe.snapshotVariant}. */
  readonly variant: string;

  constructor(bench: Workbench, session: ExecSession, variant: string) {
    this.#bench = bench;
    this.#session = session;
    this.variant = variant;
  }

  /** The directories of a stack, topmost first, as overlay wants them. */
  async lowersOf(layers: readonly LayerRef[]): Promise<string[]> {
    const lowers: string[] = [];
    const chains = chainIds(layers.map(({ diffId }) => diffId));
    for (const [index, layer] of layers.entries()) {
      const chain = chains[index];
      if (chain === undefined) break;
      lowers.unshift(await this.#directoryOf(chain, layer, [...lowers]));
    }
    return lowers;
  }

  async #directoryOf(chain: ChainID, layer: LayerRef, lowers: readonly string[]): Promise<string> {
    const { store, signal, space } = this.#bench;
    const there = (): string | undefined => store.snapshots.get(chain, this.variant)?.directory;
    const unpack = async (): Promise<string> => {
      const made = there();
      if (made !== undefined) return made;
      checkNotCancelled(signal);
      this.#bench.trees.verify(layer.diffId);
      const directory = store.snapshots.prepare();
      try {
        await this.#session.unpack({ tarPath: space.pathOf(layer.diffId), lowers, directory });
      } catch (error) {
        await this.#session.remove([directory]);
        throw error;
      }
      return await this.commit(directory, { chainId: chain, sizeBytes: layer.sizeBytes });
    };
    return there() ?? await store.withLock(`snapshot ${this.variant} ${chain}`, signal, unpack);
  }

  /** A path on the file system of the snapshots that does not exist yet. */
  newPath(): string {
    return this.#bench.store.temp.newPath();
  }

  /** Gives a finished directory its name; should there be one of that name already, that one stays. */
  async commit(
    directory: string,
    tree: { readonly chainId: ChainID; readonly sizeBytes: number },
  ): Promise<string> {
    const snapshot = this.#bench.store.snapshots.commit(directory, {
      ...tree,
      variant: this.variant,
    });
    if (existsSync(directory)) await this.#session.remove([directory]);
    return snapshot.directory;
  }
}
