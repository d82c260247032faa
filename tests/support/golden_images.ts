/**
 * The images whose digests are pinned: each thing that a layer or a config can hold, at least once.
 *
 * @module
 */
import type { FileAction } from "../../core/graph/op.ts";
import type { Graph } from "../../core/graph/graph.ts";
import { createVertex, type Vertex } from "../../core/graph/vertex.ts";
import { gzipEncoder } from "../../core/layer/compress.ts";
import { parseImageConfig } from "../../core/oci/image_config.ts";
import { type BuildTarget, image, inlineFile } from "../../mod.ts";
import { graphOf } from "./graph_ops.ts";
import { writeGoldenContext } from "./golden_context.ts";
import { tempEngine } from "./temp_engine.ts";

/** What of an image is pinned. */
export interface ImageDigests {
  readonly manifest: string;
  readonly imageId: string;
  readonly layers: readonly LayerDigests[];
}

/** The tar of a layer, and its blob at each level of `gz-1`. */
export interface LayerDigests {
  readonly diffId: string;
  readonly level1: string;
  readonly level2: string;
  readonly level3: string;
}

/** An image to build, and when. */
export interface GoldenImage {
  readonly target: BuildTarget;
  readonly epochSeconds?: number;
  /** A program that reads one of its archives. */
  readonly needs?: string;
}

const scratch = image().from("scratch");
const tools = image("tools").from("scratch").copy("src/run.sh", "/usr/bin/run", {
  mode: 0o4755,
  owner: "0:10",
});
const twoFiles = scratch.copy(inlineFile("a", "first\n"), "/dir/a")
  .copy(inlineFile("b", "second\n"), "/dir/sub/b");
const removing = afterwards(twoFiles, [
  { kind: "rm", path: "/dir/a", optional: false },
  { kind: "rm", path: "/nothing/there", optional: true },
]);
const replacing = afterwards(twoFiles, [{ kind: "rm", path: "/dir", optional: false }], [
  { kind: "mkfile", path: "/dir", mode: 0o640, text: "a file\n", owner: { user: "3" } },
  { kind: "symlink", path: "/link", target: "dir" },
]);

/** By name. The digests are in `tests/golden/image_digests.json`. */
export const GOLDEN_IMAGES: Readonly<Record<string, GoldenImage>> = {
  "nothing at all": { target: scratch },
  "one inline file": { target: scratch.copy(inlineFile("hello.txt", "hello\n"), "/") },
  "a context": { target: scratch.workdir("/srv/app").copy("src", ".") },
  "modes and owners": {
    target: scratch.copy("src", "/a", { mode: "preserve", owner: "65532:3000000" }).copy(
      "src/*.sh",
      "/b/",
      { mode: "u=rwX,go=rX" },
    ),
  },
  "a stage's files": {
    target: scratch.copy("/usr", "/opt", { from: tools }).copy("src/main.ts", "/opt/bin/run2"),
  },
  "a squashed stage": {
    target: scratch.copy("src", "/s").copy(inlineFile("main.ts", "//\n"), "/s/").squash(),
  },
  "every word of the config": {
    target: scratch.arg("VERSION", "1").env({ A: "1", B: "two words" }).label({ z: "1", a: "2" })
      .workdir("/w").user("1:2").expose(80, "53/udp")
      .volume("/data").shell(["/bin/bash", "-c"]).entrypoint(["/e", "x y"]).cmd("echo $A")
      .stopSignal("SIGTERM").author("Ann")
      .healthcheck(["/e", "ok"], { intervalMs: 1500, retries: 2 }).onbuild("RUN true").annotation(
        "org.example.note",
        "é",
      ),
  },
  "symbolic and hard links": { target: scratch.copy("links", "/") },
  "extended attributes and a file capability": { target: scratch.add("xattrs.tar", "/bin/") },
  "devices and a FIFO": { target: scratch.add("devices.tar", "/dev/") },
  "names that need PAX": { target: scratch.add("names.tar", "/") },
  "numbers that need PAX": {
    target: scratch.add("owners.tar", "/", { keepTimes: true })
      .copy("empty", "/e/", { owner: "4294967294:2097152" }),
    epochSeconds: 68_719_476_736,
  },
  "removed files": { target: removing },
  "a directory replaced by a file": { target: replacing },
  "a directory replaced by a file, in one layer": { target: joinedGraph("diff") },
  "two images merged": { target: joinedGraph("merge") },
  "files of several chunks": { target: scratch.copy("large", "/large/") },
  "a sparse file": { target: scratch.copy("holes", "/") },
  "empty files and an empty layer": {
    target: scratch.copy("empty", "/").copy("none*", "/", { optional: true }),
  },
  "another epoch": {
    target: scratch.copy("src/main.ts", "/a/b/"),
    epochSeconds: 1_700_000_000,
  },
  "times that are kept": {
    target: scratch.copy("times", "/t/", { keepTimes: true })
      .add("packed.tar", "/p/", { keepTimes: true }),
    epochSeconds: 1_700_000_000,
  },
  "times before 1970, none later": {
    target: scratch.copy("times", "/t/", { keepTimes: true }),
  },
  "an archive": { target: scratch.add("packed.tar", "/opt/") },
  "an archive in gzip": { target: scratch.add("packed.gz", "/opt/") },
  "an archive in xz": { target: scratch.add("packed.xz", "/opt/"), needs: "xz" },
  "an archive in bzip2": { target: scratch.add("packed.bz2", "/opt/"), needs: "bzip2" },
  "an archive in Zstandard": { target: scratch.add("packed.zst", "/opt/") },
  "an archive that becomes another owner's": {
    target: scratch.add("packed.tar", "/opt/", { owner: "5:6" }),
  },
  "parents, exclusions and links": {
    target: scratch.copy("src", "/a/", { parents: true, exclude: ["src/lib/hard*", "**/*.bin"] })
      .copy("src/main.ts", "/a/src/", { link: true, owner: "9" }),
  },
};

/** Builds one of them in a store of its own. */
export async function goldenDigests(name: string): Promise<ImageDigests> {
  const { target, epochSeconds = 0 } = GOLDEN_IMAGES[name] ?? {};
  if (target === undefined) throw new RangeError(`no golden image "${name}"`);
  using lw = tempEngine();
  writeGoldenContext(lw.context);
  const result = await lw.build(target, { platform: "linux/amd64", epochSeconds });
  using store = await lw.engine.openStore();
  const { rootfs } = parseImageConfig(await store.blobs.readBytes(result.imageId, 1 << 20));
  const layers = rootfs.diff_ids.map((diffId): LayerDigests => {
    const tar = store.layers.get(diffId);
    if (tar === undefined) throw new Error(`the store has no layer ${diffId}`);
    const [level1, level2, level3] = ([1, 2, 3] as const).map((level) =>
      gzipEncoder(level).encode(tar, () => {}).digest
    );
    return { diffId, level1: level1 ?? "", level2: level2 ?? "", level3: level3 ?? "" };
  });
  return { manifest: await result.digest(), imageId: result.imageId, layers };
}

/** An image, and steps on top that the recipe language has no word for. */
function afterwards(start: typeof scratch, ...steps: readonly (readonly FileAction[])[]): Graph {
  const graph = graphOf(start);
  const vertices = new Map(graph.vertices);
  let last = graph.targets[0]?.vertex;
  for (const actions of steps) {
    const vertex = createVertex({ type: "file", actions }, last === undefined ? [] : [last]);
    vertices.set(vertex.digest, vertex);
    last = vertex.digest;
  }
  return { ...graph, vertices, targets: last === undefined ? [] : [{ name: "", vertex: last }] };
}

/** What leads from two files to one in their directory's place; or one beside the other. */
function joinedGraph(type: "diff" | "merge"): Graph {
  const upper = replacing;
  const lower = graphOf(twoFiles);
  const vertices = new Map([...lower.vertices, ...upper.vertices]);
  const inputs = [lower, upper].flatMap(({ targets }) => targets.map(({ vertex }) => vertex));
  const joined: Vertex = createVertex({ type }, inputs);
  vertices.set(joined.digest, joined);
  return { ...lower, vertices, targets: [{ name: "", vertex: joined.digest }] };
}
