/**
 * Files that are no layer (a context, what a source found) packed as one, for those who need layers.
 *
 * @module
 */
import { describeEntry } from "../context/content_digest.ts";
import { collectEntries, type SourceTree } from "../context/source_tree.ts";
import type { Vertex } from "../graph/vertex.ts";
import { ContentReader } from "../layer/file_content.ts";
import type { FileContent } from "../layer/file_entry.ts";
import { writeLayer } from "../layer/write_layer.ts";
import type { Digest } from "../oci/digest.ts";
import { cacheKey, COMPAT, type KeyPreimage } from "../solve/cache_key.ts";
import type { LayerRef } from "./vertex_result.ts";
import { makeLayer, type Workbench } from "./workbench.ts";

/** One layer that holds the files of a tree, owned by root, with their permission bits. */
export async function packFiles(
  bench: Workbench,
  vertex: Vertex,
  tree: SourceTree,
): Promise<LayerRef> {
  using reader = new ContentReader();
  const owner = { uid: 0, gid: 0 };
  const entries = collectEntries(tree, "");
  /** By which the layer's writer sees that files are still what the key says. */
  const digests = new Map<FileContent, Digest>();
  const describe = {
    mode: (mode: number): number => mode,
    owner,
    reader,
    ...(tree.digests === undefined ? {} : { cache: tree.digests }),
  };
  const preimage: KeyPreimage = {
    compat: COMPAT,
    kind: "pack",
    epoch: bench.epochSeconds,
    entries: entries.map((entry) => {
      const description = describeEntry(entry, describe);
      if (entry.content?.kind === "path" && description.content !== undefined) {
        digests.set(entry.content, description.content);
      }
      return { ...description };
    }),
  };
  return await makeLayer(bench, cacheKey(preimage), {
    vertex,
    preimage,
    produce: (tarPath) =>
      writeLayer(
        entries.map((entry) => ({ ...entry, ...owner, mtimeSeconds: bench.epochSeconds })),
        tarPath,
        {
          epochSeconds: bench.epochSeconds,
          expectedContent: ({ content }) =>
            content === undefined ? undefined : digests.get(content),
        },
      ),
  });
}
