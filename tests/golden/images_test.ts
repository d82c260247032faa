/**
 * Digests of whole images, pinned: of the manifest (which holds those of the compressed layers) and of the config (which holds
 * the DiffIDs). They move with no version of Bun, Deno or this project, unless a commit says why.
 */
import assert from "node:assert/strict";
import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { image, type ImageBuilder, inlineFile } from "../../mod.ts";
import { tempEngine } from "../support/temp_engine.ts";

/** One context for all: what a checkout may hold. */
function makeContext(folder: string): void {
  // Some of the recipes keep modes.
  const umask = process.umask(0o022);
  try {
    writeContext(folder);
  } finally {
    process.umask(umask);
  }
}

function writeContext(folder: string): void {
  mkdirSync(join(folder, "src/lib/empty"), { recursive: true });
  writeFileSync(join(folder, "src/main.ts"), "console.log(1);\n", { mode: 0o644 });
  writeFileSync(join(folder, "src/run.sh"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(folder, "src/lib/ünïcode ☃.txt"), "snow\n", { mode: 0o644 });
  writeFileSync(join(folder, `src/lib/${"long-".repeat(40)}name`), "long\n", { mode: 0o644 });
  // Over one chunk, part of it repetitive, part of it not.
  const bytes = new Uint8Array(3_000_000);
  for (let i = 0, state = 1; i < bytes.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = i % 65_536 < 40_000 ? i % 251 : state >>> 24;
  }
  writeFileSync(join(folder, "src/large.bin"), bytes, { mode: 0o644 });
  linkSync(join(folder, "src/large.bin"), join(folder, "src/lib/hard-link"));
}

const scratch = image().from("scratch");
const tools = image("tools").from("scratch").copy("src/run.sh", "/usr/bin/run", {
  mode: 0o4755,
  owner: "0:10",
});

const images: Readonly<
  Record<
    string,
    { readonly recipe: ImageBuilder; readonly manifest: string; readonly config: string }
  >
> = {
  "nothing at all": {
    recipe: scratch,
    manifest: "sha256:f3620b593ecadacaef7306f37566d5aa2d861a55a5f9398f4e8030cdc11e55b2",
    config: "sha256:e319e35c8e4158fd62fd5817447eaeae0c06984f630ee93a0df6d6ef3eda1cda",
  },
  "one inline file": {
    recipe: scratch.copy(inlineFile("hello.txt", "hello\n"), "/"),
    manifest: "sha256:d094d5dd7355e72b55b64c4d39d1ef6fac3958389fec9468407ca6798e6438b2",
    config: "sha256:30122b648d688bf25958d70b2e89ab63ef992a95929ce79ebff7eee1da89ba9c",
  },
  "a context": {
    recipe: scratch.workdir("/srv/app").copy("src", "."),
    manifest: "sha256:f5be603ee7743e319c9db32056b69edbac296627a9649bbed0bd89a201105350",
    config: "sha256:0504b884f62f0409cc051c0cb126c5faf331d79222553e2a2e3836153c3fd837",
  },
  "modes and owners": {
    recipe: scratch.copy("src", "/a", { mode: "preserve", owner: "65532:3000000" }).copy(
      "src/*.sh",
      "/b/",
      { mode: "u=rwX,go=rX" },
    ),
    manifest: "sha256:dcf353b946dac295a4cd86fde15b16a902f4cde70559676d7f4f26a4757699d6",
    config: "sha256:7d77d2164754c18b608846adbbae4c471d2dcb4772fcddcd048e17be55fe79e7",
  },
  "a stage's files": {
    recipe: scratch.copy("/usr", "/opt", { from: tools }).copy("src/main.ts", "/opt/bin/run2"),
    manifest: "sha256:c30ce1a4d8c6295b45b8fc5b8cb309157246640fa796b9029fe30e8dbedd022e",
    config: "sha256:d5347840c0baa7bedc0063973e8c4547855753812b99c3f537c3fa42d5159bb4",
  },
  "a squashed stage": {
    recipe: scratch.copy("src", "/s").copy(inlineFile("main.ts", "//\n"), "/s/").squash(),
    manifest: "sha256:88f43ea9ec024faaba93d6013578c71646235e451955c2ba2d7a82ec100812c2",
    config: "sha256:f10e3c4c8d88d5398281ecb1a5f99b453bd8ac1b5559bf3d86611f0d06aabcd9",
  },
  "every word of the config": {
    recipe: scratch.arg("VERSION", "1").env({ A: "1", B: "two words" }).label({ z: "1", a: "2" })
      .workdir("/w").user("1:2").expose(80, "53/udp")
      .volume("/data").shell(["/bin/bash", "-c"]).entrypoint(["/e", "x y"]).cmd("echo $A")
      .stopSignal("SIGTERM").author("Ann")
      .healthcheck(["/e", "ok"], { intervalMs: 1500, retries: 2 }).onbuild("RUN true").annotation(
        "org.example.note",
        "é",
      ),
    manifest: "sha256:1286b3dabdb63a83ac7fd70ccbb71bdb19e48235593d1a480c77b671ff176169",
    config: "sha256:834379a193d07124e398a5c618bfbe7699d1f5209275ad1a5afd5dd9bd133503",
  },
};

for (const [name, { recipe, manifest, config }] of Object.entries(images)) {
  test(`the image of ${name} has its pinned digest`, async () => {
    using lw = tempEngine();
    makeContext(lw.context);
    const { digest, imageId } = await lw.build(recipe, {
      platform: "linux/amd64",
      epochSeconds: 0,
    });
    assert.deepEqual({ manifest: digest, config: imageId }, { manifest, config });
  });
}
