/** Pinned digests of definitions: a moved one makes every cache and every lock file miss. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { context } from "../../core/dsl/context.ts";
import { image } from "../../core/dsl/image.ts";
import { inlineFile } from "../../core/dsl/inline_file.ts";
import { bindMount, cacheMount, secretMount, sshMount, tmpfsMount } from "../../core/dsl/mount.ts";
import { sh } from "../../core/dsl/shell_quote.ts";
import { source } from "../../core/dsl/source.ts";
import { serializeGraph } from "../../core/graph/graph_json.ts";
import { sha256 } from "../../core/oci/digest.ts";
import { graphOf } from "../support/graph_ops.ts";

const tools = image("tools").from("debian:12").as("tools").arg("VERSION", "1").run(
  sh`make ${"all targets"}`,
  {
    mounts: [
      bindMount("/src"),
      cacheMount("/cache", { sharing: "locked" }),
      tmpfsMount("/tmp"),
      secretMount("token"),
      sshMount(),
    ],
  },
);

const everything = tools.from("scratch")
  .copy(["a", "b"], "/d/", { owner: "1:2", mode: "u=rwX", exclude: ["*.md"] })
  .copy("/out", "/out", {
    from: "tools",
    mode: "preserve",
    keepTimes: true,
    link: true,
    parents: true,
    optional: true,
  })
  .copy(inlineFile("motd", "héllo\n"), "/etc/", { from: context("./x") })
  .add("x.tar", "/x", { from: source("git://example.com/x", { ref: "main" }) })
  .workdir("srv")
  .env({ A: "1" }).label("b", "2").annotation("c", "3").user("4").expose(5).volume("/6").shell([
    "7",
  ])
  .stopSignal("8").onbuild("RUN 9").author("10").healthcheck(["11"], { intervalMs: 12_000 })
  .cmd("13").entrypoint(["14"])
  .squash();

test("the digests of a minimal graph and of one with everything are those of compat version 1", () => {
  assert.equal(
    graphOf(image().from("scratch")).targets[0]?.vertex,
    "sha256:c3cce403e689b222a85227f40646dfe07b8fdfe30c1c4eb8b2bd78eb85ec242b",
  );
  assert.equal(
    graphOf(everything).targets[0]?.vertex,
    "sha256:cde388178d86e3d32ca2ae8548188e7a09e2564d574f4015c140b6513b7d392c",
  );
});

test("the JSON of a graph is that of schema 1, byte for byte", () => {
  const graph = graphOf(everything);
  // Source lines are those of this file and of its place on disk.
  assert.equal(
    sha256(serializeGraph({ ...graph, metadata: new Map() })),
    "sha256:d35b09af61239bb6cb22918271066dd120fb8cbce242fb431a2e8a2456c8801c",
  );
});
