/**
 * Files that are no layer (a context, what a source found) packed as one, for those who need layers.
 *
 * @module
 */
import { collectEntries, type SourceTree } from "../context/source_tree.ts";
import type { Vertex } from "../graph/vertex.ts";
import { cacheKey, COMPAT, type KeyPreimage } from "../solve/cache_key.ts";
import { CopiedContents } from "./copied_contents.ts";
import { isWorthThreads, LayerDraft, writeCopiedLayer } from "./copied_layer.ts";
import { copyItems } from "./copy_items.ts";
import type { LayerRef } from "./vertex_result.ts";
import { makeLayer, type Workbench } from "./workbench.ts";

/** One layer that holds the files of a tree, owned by root, with their permission bits. */
export async function packFiles(
  bench: Workbench,
  vertex: Vertex,
  tree: SourceTree,
): Promise<LayerRef> {
  const { epochSeconds } = bench;
  const listed = collectEntries(tree, "");
  const contents = new CopiedContents(tree.digests);
  const entries = listed.map((entry) => ({
    ...entry,
    uid: 0,
    gid: 0,
    mtimeSeconds: epochSeconds,
  }));
  using draft = isWorthThreads(contents.unread(listed))
    ? await LayerDraft.write(bench, entries, contents)
    : undefined;
  const preimage: KeyPreimage = {
    compat: COMPAT,
    kind: "pack",
    epoch: epochSeconds,
    items: copyItems([{ baseName: "", isDirectory: true, entries: listed }], {
      op: { mode: { kind: "preserve" }, keepTimes: false },
      contents,
      epochSeconds,
    }),
  };
  return await makeLayer(bench, cacheKey(preimage), {
    vertex,
    preimage,
    produce: async (tarPath) =>
      draft?.take(tarPath) ?? await writeCopiedLayer(bench, entries, tarPath, contents),
  });
}
