import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type BuildOptions, LayerwrightError, type ProgressReporter } from "../../../core/mod.ts";
import {
  builtDigest,
  builtImageId,
  type CliOutcome,
  type CliSurroundings,
  runRecorded,
  ScriptedEngine,
  storedDigest,
} from "../../support/recorded_cli.ts";
import { cached, failed, plan, planAt, started } from "../../support/progress_events.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const core = new URL("../../../core/mod.ts", import.meta.url).href;
const RECIPE = `import { image } from ${JSON.stringify(core)};
export default image("app").from("scratch").env("A", "1");
`;

/** A folder with a recipe, and an engine; both fresh for each test. */
function workplace(): Disposable & { readonly path: string; readonly engine: ScriptedEngine } & {
  run(argv: readonly string[], surroundings?: Partial<CliSurroundings>): Promise<CliOutcome>;
} {
  const directory = temporaryDirectory();
  writeFileSync(join(directory.path, "layerwright.ts"), RECIPE);
  const engine = new ScriptedEngine();
  return {
    path: directory.path,
    engine,
    run: (argv, surroundings = {}) =>
      runRecorded(argv, engine, { workingDirectory: directory.path, ...surroundings }),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

function reporterIn(options: BuildOptions): ProgressReporter {
  assert.ok(typeof options.progress === "object");
  return options.progress;
}

test("build passes on what its options say", async () => {
  using place = workplace();
  mkdirSync(join(place.path, "web"));
  const argv =
    "build . -t app:1 --tag app:2 -f layerwright.ts --target build --build-arg A=1 --build-arg=TOKEN " +
    "--platform linux/arm64 --no-cache --no-cache-filter a,b --no-cache-filter c --paranoid --label l=1 --annotation n=2 " +
    "--context web -o type=oci,dest=a.tar,tar=false --output out";
  const { code, stdout } = await place.run(argv.split(" "), { environment: { TOKEN: "t" } });
  assert.deepEqual([code, stdout], [0, ""]);
  const { progress: _, readArgs = [], ...options } = place.engine.calls[0]?.options ?? {};
  assert.deepEqual([...readArgs], []);
  assert.deepEqual(options, {
    contextDirectory: join(place.path, "web"),
    platform: "linux/arm64",
    target: "build",
    buildArgs: { A: "1", TOKEN: "t" },
    labels: { l: "1" },
    annotations: { n: "2" },
    noCache: true,
    noCacheFilter: ["a", "b", "c"],
    paranoid: true,
    tags: ["app:1", "app:2"],
    outputs: [
      { type: "oci", dest: "a.tar", attributes: { tar: "false" } },
      { type: "local", dest: "out", attributes: {} },
    ],
  });
});

test("build asks for nothing that was not said", async () => {
  using place = workplace();
  await place.run(["build"]);
  const { progress: _, readArgs = [], ...options } = place.engine.calls[0]?.options ?? {};
  assert.deepEqual([...readArgs], []);
  assert.deepEqual(options, {
    contextDirectory: place.path,
    buildArgs: {},
    labels: {},
    annotations: {},
    noCache: false,
    noCacheFilter: [],
    tags: [],
    outputs: [],
  });
});

test("build passes on what surrounds the steps", async () => {
  using place = workplace();
  const argv =
    "build --add-host db:10.0.0.1 --add-host=six=[::1] --allow network.host --network none " +
    "--resource memory=1g --resource=pids=9 --shm-size=1m --timeout 90s --ulimit nofile=1:2";
  const { code, stderr } = await place.run([...argv.split(" "), "--progress=none"]);
  assert.equal(code, 0, stderr);
  const { hosts, allow, network, resources, shmSizeBytes, stepTimeoutMs, ulimits } =
    place.engine.calls[0]?.options ?? {};
  assert.deepEqual({ hosts, allow, network, resources, shmSizeBytes, stepTimeoutMs, ulimits }, {
    hosts: [{ name: "db", address: "10.0.0.1" }, { name: "six", address: "::1" }],
    allow: ["network.host"],
    network: "none",
    resources: { memoryBytes: 1_073_741_824, pids: 9 },
    shmSizeBytes: 1_048_576,
    stepTimeoutMs: 90_000,
    ulimits: [{ name: "nofile", soft: 1, hard: 2 }],
  });
  for (const verb of ["build", "plan", "explain"]) {
    const refused = await place.run([verb, "--ulimit=files=1"]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^OPTION_INVALID: Cannot use --ulimit "files=1": /);
  }
});

test("build keeps standard output for results", async () => {
  using place = workplace();
  place.engine.during = (options) => {
    for (const event of [plan("a"), cached("a", 0)]) reporterIn(options).event(event);
  };
  assert.deepEqual(await place.run(["build", "-t", "app"]), {
    code: 0,
    stdout: "",
    stderr: `#1 a\n#1 CACHED\nBuilt ${builtImageId} as app\n`,
  });
  assert.deepEqual(await place.run(["build", "-q"]), {
    code: 0,
    stdout: `${builtImageId}\n`,
    stderr: "",
  });
  const json = await place.run(["build", "--progress=rawjson"]);
  for (const line of json.stderr.trimEnd().split("\n")) {
    assert.ok(Object.hasOwn(JSON.parse(line), "vertexes"));
  }
});

test("build writes an output of dest=- to standard output, once and never to a terminal", async () => {
  using place = workplace();
  place.engine.during = ({ outputs }) =>
    outputs?.[0]?.write?.(new TextEncoder().encode("tar bytes"));
  assert.equal((await place.run(["build", "-o", "-"])).stdout, "tar bytes");
  const refused = [
    await place.run(["build", "-o", "-"], { stdoutIsTty: true }),
    await place.run(["build", "-o", "-", "-q"]),
    await place.run(["build", "-o", "-", "-o", "type=oci"]),
  ];
  for (const { code, stdout, stderr } of refused) {
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^OPTION_INVALID: Cannot write the image to standard output: /);
  }
});

test("build writes --iidfile and --metadata-file, and removes old ones first", async () => {
  using place = workplace();
  const [iid, metadata] = [join(place.path, "iid"), join(place.path, "meta.json")];
  const argv = [
    "build",
    "--iidfile",
    "iid",
    "--metadata-file",
    metadata,
    "-t",
    "app:1",
    "-t",
    "app:2",
  ];
  assert.equal((await place.run(argv)).code, 0);
  assert.equal(readFileSync(iid, "utf8"), builtImageId);
  assert.deepEqual(JSON.parse(readFileSync(metadata, "utf8")), {
    "containerimage.config.digest": builtImageId,
    "containerimage.descriptor": {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: storedDigest,
      size: 5,
    },
    "image.name": "app:1,app:2",
  });
  assert.equal((await place.run([...argv, "--compression", "zstd:9"])).code, 0);
  assert.equal(place.engine.calls.at(-1)?.options.compression, "zstd:9");
  assert.deepEqual(JSON.parse(readFileSync(metadata, "utf8")), {
    "containerimage.config.digest": builtImageId,
    "containerimage.descriptor": {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: builtDigest,
      size: 7,
    },
    "containerimage.digest": builtDigest,
    "image.name": "app:1,app:2",
  });
  place.engine.during = () => {
    throw new LayerwrightError("BUILD_FAILED", "Cannot build");
  };
  assert.equal((await place.run(argv)).code, 1);
  assert.deepEqual([existsSync(iid), existsSync(metadata)], [false, false]);
});

test("build refuses a --compression that does not exist before it looks for a recipe", async () => {
  using place = workplace();
  for (const compression of ["bzip2", "gzip:0", "gzip:4", "zstd:20", "uncompressed:1", "GZIP"]) {
    const { code, stderr } = await place.run(["build", "no/such", "--compression", compression]);
    assert.equal(code, 1);
    assert.match(stderr, /^OPTION_INVALID: Cannot compress layers as /);
    assert.match(stderr, /known are uncompressed, gzip .*, zstd /);
  }
  assert.deepEqual(place.engine.calls, []);
});

test("build -q prints the image ID, whatever else is asked for", async () => {
  using place = workplace();
  for (const more of [[], ["--compression", "gzip"], ["-t", "app:1"]]) {
    const { stdout, stderr } = await place.run(["build", "-q", ...more]);
    assert.deepEqual([stdout, stderr], [`${builtImageId}\n`, ""]);
  }
});

test("build names the file that it cannot write a result to", async () => {
  using place = workplace();
  const { code, stderr } = await place.run(["build", "--iidfile", "no/such/folder"]);
  assert.equal(code, 1);
  assert.match(stderr, /EXPORT_FAILED: Cannot write ".*no\/such\/folder": ENOENT/);
});

test("build shows the failing step, its place and the error, and exits with 1", async () => {
  using place = workplace();
  const at = { file: "layerwright.ts", line: 2 };
  place.engine.during = (options) => {
    for (
      const event of [planAt("RUN x", at), started("RUN x", 0), failed("RUN x", 9, "exit code: 3")]
    ) {
      reporterIn(options).event(event);
    }
    throw new LayerwrightError("RUN_FAILED", 'Cannot run "x": exit code 3', { at });
  };
  const { code, stdout, stderr } = await place.run(["build"]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(
    stderr,
    `#1 RUN x
#1 ERROR: exit code: 3
------
 > RUN x:
------
layerwright.ts:2
--------------------
   1 |     ${RECIPE.split("\n")[0]}
   2 | >>> ${RECIPE.split("\n")[1]}
   3 |${" ".repeat(5)}
--------------------
RUN_FAILED: Cannot run "x": exit code 3
  at layerwright.ts:2
`,
  );
  const json = await place.run(["build", "--progress", "rawjson"]);
  assert.deepEqual(JSON.parse(json.stderr.trimEnd().split("\n").at(-1) ?? ""), {
    error: { code: "RUN_FAILED", message: 'Cannot run "x": exit code 3', at, details: [] },
  });
});

test("build closes the display also when it fails", async () => {
  using place = workplace();
  let timers = 0;
  place.engine.during = (options) => {
    reporterIn(options).event(plan("a"));
    timers += 1;
    throw new LayerwrightError("BUILD_FAILED", "Cannot build");
  };
  // A timer left behind would keep this process, and the test, from ending.
  assert.equal((await place.run(["build", "--progress=plain"])).code, 1);
  assert.equal(timers, 1);
});

test("build refuses tags and displays that cannot be, before anything runs", async () => {
  using place = workplace();
  assert.match((await place.run(["build", "-t", "UPPER"])).stderr, /^REFERENCE_INVALID/);
  assert.match(
    (await place.run(["build", "--progress", "fancy"])).stderr,
    /^OPTION_INVALID: Cannot show progress/,
  );
  assert.match(
    (await place.run(["build", "--platform", "linux/amd64,linux/arm64"])).stderr,
    /^OPTION_INVALID/,
  );
  assert.equal(place.engine.calls.length, 0);
});

test("build refuses docker's options that it does not have by name", async () => {
  using place = workplace();
  const options =
    "--attest=x --build-context=a=b --cache-from=x --cache-to=x --call=check --cgroup-parent=x --check --load " +
    "--policy=x --provenance --provenance=false --pull --push --sbom";
  for (const option of options.split(" ")) {
    const { code, stderr } = await place.run(["build", option]);
    assert.equal(code, 1);
    const name = option.split("=")[0];
    assert.ok(stderr.startsWith(`OPTION_INVALID: Cannot use ${name}: not supported yet: `), stderr);
  }
  assert.equal(place.engine.calls.length, 0);
});

test("runCli() suggests the option or verb that was meant", async () => {
  using place = workplace();
  const cases = [
    [["build", "--taget", "x"], 'unknown option "--taget", did you mean "--target"?', "build "],
    [["biuld"], 'unknown command "biuld", did you mean "build"?', ""],
    [
      ["build", "a", "b"],
      'too many arguments for "build". Expected 1 argument but got 2',
      "build ",
    ],
    [["build", "--file"], 'option "-f, --file <recipe>" argument missing', "build "],
    [["cache", "lss"], 'unknown command "lss", did you mean "ls"?', "cache "],
    [["--taget", "build"], 'unknown option "--taget"', ""],
  ] as const;
  for (const [argv, expected, verb] of cases) {
    const { code, stdout, stderr } = await place.run(argv);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.equal(
      stderr,
      `OPTION_INVALID: Cannot read the command line: ${expected}\n  fix: see layerwright ${verb}--help\n`,
    );
  }
});

test("runCli() prints help and version to standard output, and help for nothing to standard error", async () => {
  using place = workplace();
  const help = await place.run(["build", "--help"]);
  assert.deepEqual([help.code, help.stderr], [0, ""]);
  assert.match(help.stdout, /--metadata-file/);
  assert.doesNotMatch(help.stdout, /--provenance|default: \[\]/);
  assert.match(
    (await place.run(["version"])).stdout,
    /^layerwright \d+\.\d+\.\d+ \((bun|deno|node) /,
  );
  assert.match((await place.run(["--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
  const nothing = await place.run([]);
  assert.deepEqual([nothing.code, nothing.stdout], [1, ""]);
  assert.match(nothing.stderr, /^Usage: layerwright/);
});

test("runCli() exits with 128 and the signal's number when interrupted", async () => {
  using place = workplace();
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    const controller = new AbortController();
    place.engine.during = (options) => {
      controller.abort(signal);
      assert.ok(options.signal?.aborted);
      throw new LayerwrightError("BUILD_CANCELLED", "Cancelled");
    };
    const outcome = await place.run(["build"], { interrupt: controller.signal });
    assert.deepEqual(outcome, { code, stdout: "", stderr: "BUILD_CANCELLED: Cancelled\n" });
  }
});

test("runCli() calls a defect a defect, and shows stacks only when asked", async () => {
  using place = workplace();
  place.engine.during = () => {
    throw new TypeError("x is not a function", { cause: new Error("beneath") });
  };
  const { code, stderr } = await place.run(["build"]);
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `Unexpected error: TypeError: x is not a function
  this is a defect of layerwright
  fix: report it, with what LAYERWRIGHT_DEBUG=1 shows
`,
  );
  const debug = await place.run(["build"], { environment: { LAYERWRIGHT_DEBUG: "1" } });
  assert.match(debug.stderr, /run_cli_test/);
  assert.match(debug.stderr, /beneath/);
});

test("plan prints a table, or JSON", async () => {
  using place = workplace();
  place.engine.planned = {
    steps: [
      { vertex: builtDigest as never, name: "[1/2] FROM scratch", outcome: "hit" },
      {
        vertex: builtDigest as never,
        name: "[2/2] RUN make",
        outcome: "run",
        reason: '"a.c" changed',
      },
    ],
    imageId: builtImageId,
    digest: builtDigest,
  };
  const { code, stdout } = await place.run(["plan", "--no-cache-filter=build"]);
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `STEP                 OUTCOME   REASON
[1/2] FROM scratch   hit
[2/2] RUN make       run       "a.c" changed
image: ${builtImageId}
digest: ${builtDigest}
`,
  );
  assert.deepEqual(place.engine.calls[0]?.options.noCacheFilter, ["build"]);
  await place.run(["plan", "--compression=zstd"]);
  assert.equal(place.engine.calls[1]?.options.compression, "zstd");
  const json = await place.run(["plan", "--format", "json"]);
  assert.deepEqual(JSON.parse(json.stdout), place.engine.planned);
  assert.match((await place.run(["plan", "--format", "jsno"])).stderr, /did you mean "json"\?/);
});

test("graph prints JSON, dot and mermaid", async () => {
  using place = workplace();
  assert.ok(Object.hasOwn(JSON.parse((await place.run(["graph"])).stdout), "vertices"));
  assert.match((await place.run(["graph", "--format=dot"])).stdout, /^digraph build \{/);
  assert.match((await place.run(["graph", "--format=mermaid"])).stdout, /^flowchart LR/);
});

test("runCli() takes verbs of others, which may pass on an exit code", async () => {
  using place = workplace();
  const outcome = await place.run(["greet", "-it", "you"], {
    commands: [{
      register(program, context): void {
        program.command("greet <name>").option("-i").option("-t").action((name: string) => {
          context.io.stdout.write(`hello ${name}\n`);
          context.setExitCode(42);
        });
      },
    }],
  });
  assert.deepEqual(outcome, { code: 42, stdout: "hello you\n", stderr: "" });
});
