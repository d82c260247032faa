/**
 * Changes to files that need no source: directories, small files, links, removals.
 *
 * @module
 */
import { posix } from "node:path";
import { LayerwrightError } from "../errors.ts";
import { resolvePath } from "../graph/effective_config.ts";
import type { ImageState } from "../graph/image_state.ts";
import type { FileAction, FileOp, OwnerSpec } from "../graph/op.ts";
import type { Vertex } from "../graph/vertex.ts";
import type { FileEntry } from "../layer/file_entry.ts";
import type { Tree } from "../layer/tree.ts";
import { whiteoutEntry } from "../layer/whiteout.ts";
import { writeLayer } from "../layer/write_layer.ts";
import { COMPAT, type KeyPreimage } from "../solve/cache_key.ts";
import { Destination } from "./destination.ts";
import { resolveOwner } from "./owner.ts";
import type { LayerRef } from "./vertex_result.ts";
import { findOrMakeLayer, type Workbench } from "./workbench.ts";

const ROOT_OWNER = { uid: 0, gid: 0 } as const;
const encoder = new TextEncoder();

/** Makes the layer of a {@link FileOp}; one that changes nothing is an empty layer, as in BuildKit. */
export async function executeFile(
  bench: Workbench,
  vertex: Vertex & { readonly op: FileOp },
  state: ImageState,
  layers: readonly LayerRef[],
): Promise<LayerRef> {
  const base = bench.trees.of(layers);
  const destination = new Destination(base, bench.epochSeconds);
  const entries = fileEntries(vertex.op.actions, {
    implied: vertex.op.instruction === "WORKDIR" ? userInForce(state) : undefined,
    base,
    destination,
    state,
    epochSeconds: bench.epochSeconds,
  });
  const preimage: KeyPreimage = {
    compat: COMPAT,
    kind: "file",
    actions: vertex.op.actions.map((action) => ({
      ...action,
      path: resolvePath(state, action.path),
      owner: undefined,
    })),
    entries: entries.map(({ path, uid, gid }) => ({ path, uid, gid })),
    destination: destination.facts(),
    epoch: bench.epochSeconds,
  };
  return await findOrMakeLayer(bench, {
    vertex,
    preimage,
    produce: (tarPath) => writeLayer(entries, tarPath, { epochSeconds: bench.epochSeconds }),
  });
}

interface Surroundings {
  /** Whose the directories are that name no owner; absent: root's. */
  readonly implied: OwnerSpec | undefined;
  readonly base: Tree;
  readonly destination: Destination;
  readonly state: ImageState;
  readonly epochSeconds: number;
}

/** WORKDIR makes directories for the user that works in them, as BuildKit does. */
function userInForce(state: ImageState): OwnerSpec | undefined {
  const [user = "", group] = (state.config.config?.User ?? "").split(":");
  if (user === "") return undefined;
  return { user, ...(group === undefined || group === "" ? {} : { group }) };
}

/** The place an action means; removing or making a link concerns the link, not where one of its name leads. */
function resolveTarget(action: FileAction, state: ImageState, destination: Destination): string {
  const path = resolvePath(state, action.path);
  if (action.kind !== "rm" && action.kind !== "symlink") return destination.resolve(path);
  const { dir, base } = posix.parse(path);
  return posix.join(destination.resolve(dir), base);
}

function fileEntries(actions: readonly FileAction[], around: Surroundings): FileEntry[] {
  const { base, destination, implied, state, epochSeconds } = around;
  const made = new Map<string, FileEntry>();
  const common = { sizeBytes: 0, mtimeSeconds: epochSeconds };
  for (const action of actions) {
    const path = resolveTarget(action, state, destination);
    const asked = ("owner" in action ? action.owner : undefined) ?? implied;
    const owner = asked === undefined ? ROOT_OWNER : resolveOwner(asked, base);
    const directory = (mode: number) => (created: string): FileEntry => ({
      path: created,
      type: "directory",
      mode,
      ...owner,
      ...common,
    });
    switch (action.kind) {
      case "mkdir":
        // A directory that exists is left alone, and its parents with it: nothing to write.
        if (destination.existing(path)?.type === "directory") break;
        destination.makeParents(path, directory(action.mode));
        destination.makeDirectory(path, directory(action.mode));
        break;
      case "mkfile": {
        const bytes = encoder.encode(action.text);
        destination.makeParents(path, directory(0o755));
        destination.checkReplaceable(path);
        made.set(path, {
          path,
          type: "file",
          mode: action.mode,
          ...owner,
          ...common,
          sizeBytes: bytes.length,
          content: { kind: "bytes", bytes },
        });
        break;
      }
      case "symlink":
        destination.makeParents(path, directory(0o755));
        destination.checkReplaceable(path);
        made.set(path, {
          path,
          type: "symlink",
          mode: 0o777,
          ...ROOT_OWNER,
          ...common,
          linkTarget: action.target,
        });
        break;
      case "rm":
        if (base.get(path) === undefined) {
          if (action.optional) break;
          throw new LayerwrightError("FILE_MISSING", `Cannot remove "/${path}": no such file`, {
            hint: "correct the path, or say that the file is optional",
          });
        }
        destination.makeParents(path, directory(0o755));
        made.set(path, whiteoutEntry(path));
    }
  }
  return [...destination.directories(), ...made.values()];
}
