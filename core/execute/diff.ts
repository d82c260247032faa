/**
 * One layer that turns one state's files into another's.
 *
 * @module
 */
import { contentDigest } from "../context/content_digest.ts";
import type { DiffOp } from "../graph/op.ts";
import type { Vertex } from "../graph/vertex.ts";
import { changes } from "../layer/changes.ts";
import { ContentReader } from "../layer/file_content.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import { writeLayer } from "../layer/write_layer.ts";
import { COMPAT, type KeyPreimage } from "../solve/cache_key.ts";
import { chainOf, type LayerRef } from "./vertex_result.ts";
import { findOrMakeLayer, type Workbench } from "./workbench.ts";

/** Makes the layer of a {@link DiffOp}, straight from the stored layers: nothing is unpacked. */
export async function executeDiff(
  bench: Workbench,
  vertex: Vertex & { readonly op: DiffOp },
  lower: readonly LayerRef[],
  upper: readonly LayerRef[],
): Promise<LayerRef> {
  const preimage: KeyPreimage = {
    compat: COMPAT,
    kind: "diff",
    lower: chainOf(lower),
    upper: chainOf(upper),
    epoch: bench.epochSeconds,
  };
  return await findOrMakeLayer(bench, {
    vertex,
    preimage,
    produce: (tarPath) => {
      using reader = new ContentReader();
      const sameContent = (a: FileEntry, b: FileEntry): boolean =>
        isSameSlice(a, b) || contentDigest(a, reader) === contentDigest(b, reader);
      const entries = changes(bench.trees.of(lower), bench.trees.of(upper), { sameContent });
      return writeLayer(entries, tarPath, { epochSeconds: bench.epochSeconds });
    },
  });
}

/** The common case: the very same member of a layer that both stacks hold. */
function isSameSlice({ content: a }: FileEntry, { content: b }: FileEntry): boolean {
  return a?.kind === "slice" && b?.kind === "slice" && a.path === b.path && a.offset === b.offset;
}
