import { ociLayoutSource, storeImageSource } from "../../core/execute/image_source.ts";
import { image, inlineFile } from "../../mod.ts";
import { hostExecutableSource } from "../../plugins/host_executable/mod.ts";
import { sourceContract } from "./source_contract.ts";

const sample = image().from("scratch").copy(inlineFile("a", "1"), "/a").copy(
  inlineFile("b", "2"),
  "/b",
);

sourceContract({
  name: "storeImageSource",
  source: storeImageSource,
  prepare: async (lw) => {
    await lw.build(sample, { tags: ["sample:1"], platform: "linux/amd64" });
    return "docker-image://sample:1";
  },
  missing: "docker-image://nosuch:1",
});

sourceContract({
  name: "ociLayoutSource",
  source: ociLayoutSource,
  prepare: async (lw) => {
    await lw.build(sample, {
      tags: ["sample:1"],
      platform: "linux/amd64",
      outputs: [{ type: "oci", dest: `${lw.context}/layout/` }],
    });
    return "oci-layout://layout:1";
  },
  missing: "oci-layout://nowhere",
});

sourceContract({
  name: "hostExecutableSource",
  source: hostExecutableSource,
  prepare: () => Promise.resolve("host-executable://sh"),
  missing: "host-executable://no-such-program",
  skip: process.platform !== "linux" && "needs Linux",
});
