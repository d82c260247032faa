/** What buildah makes of the Dockerfiles we print: words with any character survive both parsers' quotes. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { image } from "../../core/dsl/image.ts";
import type { AnyImage } from "../../core/dsl/image_builder.ts";
import { toDockerfile } from "../../core/dsl/to_dockerfile.ts";
import { programPath } from "../support/program_path.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const skip = programPath("buildah") === undefined
  ? "needs buildah"
  : process.getuid?.() !== 0 && "needs root";

interface BuiltConfig {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
}

/** Builds in a store of its own and gives the config of the image. */
function build(chain: AnyImage, files: readonly string[] = []): BuiltConfig {
  using directory = temporaryDirectory();
  const { path } = directory;
  for (const file of files) {
    mkdirSync(join(path, "context", dirname(file)), { recursive: true });
    writeFileSync(join(path, "context", file), file);
  }
  mkdirSync(join(path, "context"), { recursive: true });
  writeFileSync(join(path, "Dockerfile"), toDockerfile(chain));
  const store = [
    "--storage-driver",
    "vfs",
    "--root",
    join(path, "root"),
    "--runroot",
    join(path, "run"),
  ];
  const run = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync("buildah", [...store, ...args], {
      encoding: "utf8",
    });
    assert.equal(status, 0, `${stderr}\n${toDockerfile(chain)}`);
    return stdout;
  };
  run(
    "build",
    "--isolation",
    "chroot",
    "-f",
    join(path, "Dockerfile"),
    "-t",
    "x",
    join(path, "context"),
  );
  return JSON.parse(run("inspect", "--type", "image", "x")).OCIv1.config;
}

test("buildah reads a whole recipe as it is meant (needs buildah and root)", { skip }, () => {
  const chain = image().from("scratch").as("files")
    .copy(["plain", "a b", "it's", "$x"], "/d/")
    .from("scratch")
    .copy("/d/", "/srv $y/", { from: "files" })
    .workdir("/srv dir")
    .user("1000:1000")
    .expose(8000, "53/udp")
    .volume("/data", "/a b")
    .cmd(["a b", '"', "$X"])
    .entrypoint("run $X \"quoted\" 'too'");
  const config = build(chain, ["plain", "a b", "it's", "$x"]);
  assert.equal(config.WorkingDir, "/srv dir");
  assert.equal(config.User, "1000:1000");
  assert.deepEqual(Object.keys(config.ExposedPorts ?? {}).sort(), ["53/udp", "8000/tcp"]);
  assert.deepEqual(Object.keys(config.Volumes ?? {}).sort(), ["/a b", "/data"]);
  assert.deepEqual(config.Entrypoint, ["/bin/sh", "-c", "run $X \"quoted\" 'too'"]);
});

test("buildah reads every variable and label as it is meant (seed 41; needs buildah and root)", {
  skip,
}, () => {
  const text = fc.string({
    unit: fc.constantFrom(..."'\"\\$`{}()#=,;:<>|& \tabé~*?![]-"),
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 8 }), (values) => {
      const variables = Object.fromEntries(values.map((value, index) => [`V${index}`, value]));
      const config = build(image().from("scratch").env(variables).label(variables));
      assert.deepEqual(config.Env?.slice(1), values.map((value, index) => `V${index}=${value}`));
      const { "io.buildah.version": _, ...labels } = config.Labels ?? {};
      assert.deepEqual(labels, variables);
    }),
    { seed: 41, numRuns: 12 },
  );
});
