/**
 * The recipes that are made of Debian's packages: the base once for all tests of this runtime, and once more by a user on the
 * other runtime.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { host } from "../../core/host/mod.ts";
import { indexTar } from "../../core/layer/mod.ts";
import type { DiffID } from "../../core/oci/digest.ts";
import { parseImageConfig } from "../../core/oci/image_config.ts";
import {
  type AnyImage,
  type BuildOptions,
  createEngine,
  debian,
  defaultPlugins,
  image,
  type ProgressEvent,
} from "../../mod.ts";
import { executorLadder } from "../../plugins/runtime/mod.ts";
import baseRecipe from "../../recipes/debian.ts";
import pythonRecipe from "../../recipes/python.ts";
import { asUserWithIds, cannotHaveIds } from "../support/as_user_with_ids.ts";
import { programPath } from "../support/program_path.ts";
import { runtimeCommands } from "../support/runtimes.ts";
import { temporaryDirectory } from "../support/temporary_directory.ts";

const MIRROR = "http://deb.debian.org/debian/dists/bookworm/Release";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

const probes = await Promise.all(
  executorLadder().map(async (executor) => ({
    executor,
    probe: await executor.probe(),
  })),
);
const usable = probes.filter(({ probe }) =>
  probe.usable && probe.snapshotVariant?.endsWith("-single") === false
).map(({ executor }) => executor);

async function reasonToSkip(): Promise<string | undefined> {
  // It takes minutes, and compares both runtimes whichever it runs on.
  if (host.runtime === "deno") return "under Bun it builds on Deno, too";
  if (programPath("mmdebstrap") === undefined) return "needs mmdebstrap";
  if (!existsSync(KEYRING)) return "needs debian-archive-keyring";
  if (usable.length === 0) return "needs an executor with root or subordinate ids";
  const answer = await fetch(MIRROR, { method: "HEAD", signal: AbortSignal.timeout(10_000) })
    .catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.ok === true ? undefined : "needs deb.debian.org";
}

const skip = await reasonToSkip();
const title = (name: string): string => skip === undefined ? name : `${name} (${skip})`;
const options = { skip: skip !== undefined, timeout: 300_000 };

const folder = temporaryDirectory();
after(() => folder[Symbol.dispose]());
const home = join(folder.path, "store");
const events: ProgressEvent[] = [];

interface Built {
  readonly imageId: string;
  readonly config: ReturnType<typeof parseImageConfig>;
  readonly layers: readonly DiffID[];
  /** The tar of a layer. */
  pathOf(layer: DiffID | undefined): string;
}

const engine = createEngine({ plugins: defaultPlugins, home });

/** Builds in the store of all these tests. */
async function built(target: AnyImage, buildOptions: BuildOptions = {}): Promise<Built> {
  events.length = 0;
  const progress = { event: (event: ProgressEvent) => void events.push(event), close: () => {} };
  const { imageId } = await engine.build(target, { progress, ...buildOptions });
  using store = await engine.openStore();
  const config = parseImageConfig(await store.blobs.readBytes(imageId, 1 << 20));
  const paths = new Map(
    config.rootfs.diff_ids.map((layer) => [layer, store.layers.get(layer)?.path ?? ""]),
  );
  return {
    imageId,
    config,
    layers: config.rootfs.diff_ids,
    pathOf: (layer) => paths.get(layer as DiffID) ?? "",
  };
}

const logged = (): string =>
  events.flatMap((event) => event.type === "log" ? [new TextDecoder().decode(event.bytes)] : [])
    .join("");
const warnings = (): string[] =>
  events.flatMap((event) => event.type === "warning" ? [event.text] : []);

test(
  title("recipes/debian.ts makes a Debian of packages, without what is the machine's"),
  options,
  async () => {
    const { config, layers, pathOf } = await built(baseRecipe);
    assert.match(logged(), /installing essential packages/);
    assert.deepEqual(config.config?.Cmd, ["bash"]);
    assert.equal(layers.length, 1);
    const entries = new Map(indexTar(pathOf(layers[0])).map((entry) => [entry.path, entry]));
    for (const path of ["usr/bin/bash", "etc/ssl/certs/ca-certificates.crt", "usr/bin/apt-get"]) {
      assert.ok(entries.has(path), path);
    }
    for (const path of ["dev/null", "etc/resolv.conf", "etc/hostname", "var/log/dpkg.log"]) {
      assert.ok(!entries.has(path), path);
    }
    assert.equal(entries.get("usr/bin/passwd")?.mode, 0o4755);
    assert.equal(entries.get("etc/shadow")?.gid, 42);
  },
);

test(title("recipes/debian.ts is there at once the second time"), options, async () => {
  const first = await built(baseRecipe);
  const { imageId } = await built(baseRecipe);
  assert.equal(imageId, first.imageId);
  assert.equal(logged(), "");
  assert.deepEqual(warnings(), []);
});

test(
  title("a Debian base is used again without network, and a build says so"),
  options,
  async () => {
    const packages = { suite: "bookworm", slim: true, include: ["ca-certificates", "tzdata"] };
    const asking = image().from(debian({ ...packages, maxAgeHours: 0 }));
    const { layers } = await built(baseRecipe);
    const proxy = process.env.http_proxy;
    process.env.http_proxy = "http://127.0.0.1:9";
    try {
      assert.deepEqual((await built(asking)).layers, layers);
      assert.match(warnings().join("\n"), /no answer from ".*InRelease"; the base of .* is used/);
      const unknown = image().from(debian({ ...packages, suite: "trixie" }));
      await assert.rejects(built(unknown), { code: "DEBIAN_MIRROR_UNREACHABLE" });
    } finally {
      if (proxy === undefined) delete process.env.http_proxy;
      else process.env.http_proxy = proxy;
    }
    assert.deepEqual((await built(asking)).layers, layers);
    assert.deepEqual(warnings(), []);
  },
);

const CHECK = `
import app, http.server, threading, urllib.request
server = http.server.HTTPServer(("127.0.0.1", 0), app.Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
assert urllib.request.urlopen(url).read().startswith(b"Hello from Python 3.")
`;

test(
  title("recipes/python.ts gives the same layers when it is made again by another executor"),
  options,
  async () => {
    const first = await built(pythonRecipe);
    // Not the one that made the first.
    const last = usable.at(-1)?.name ?? "";
    const again = await built(pythonRecipe, { noCache: true, executor: last });
    assert.deepEqual(again.layers, first.layers);
    const entries = indexTar(first.pathOf(first.layers[1]));
    const ping = entries.find(({ path }) => path === "usr/bin/ping");
    // Version 2, effective, CAP_NET_RAW: see capability.h of Linux.
    assert.equal(
      Buffer.from(ping?.xattrs?.["security.capability"] ?? []).toString("hex"),
      "0100000200200000000000000000000000000000",
    );
    const left = entries.map(({ path }) => path).filter((path) =>
      /^var\/(?:log|cache|lib\/apt\/lists)\/.*\.(?:log|deb|bin)$|aux-cache$|-old$/.test(path)
    );
    assert.deepEqual(left, []);
  },
);

test(
  title("the program of recipes/python.ts answers, and its ping has its privilege"),
  options,
  async () => {
    for (const { name } of usable) {
      const running = image("check").from(pythonRecipe)
        .run(["sh", "-ec", 'python3 -c "$0"; ping -c1 -w5 127.0.0.1', CHECK], { network: "none" });
      await built(running, { noCacheFilter: ["check"], executor: name });
    }
  },
);

const noReader = skip ??
  ["skopeo", "umoci"].flatMap((name) =>
    programPath(name) === undefined ? [`needs ${name}`] : []
  )[0];

test(
  `skopeo and umoci read an image on a Debian base${
    noReader === undefined ? "" : ` (${noReader})`
  }`,
  {
    ...options,
    skip: noReader !== undefined,
  },
  async () => {
    const layout = join(folder.path, "layout");
    const { layers } = await built(pythonRecipe, {
      tags: ["python:dev"],
      outputs: [{ type: "oci", dest: `${layout}/` }],
    });
    const ask = (program: string, ...args: string[]): string => {
      const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
      assert.equal(status, 0, stderr);
      return stdout;
    };
    const config = JSON.parse(ask("skopeo", "inspect", "--config", `oci:${layout}:dev`));
    assert.deepEqual(config.rootfs.diff_ids, layers);
    const bundle = join(folder.path, "bundle");
    ask("umoci", "unpack", "--rootless", "--image", `${layout}:dev`, bundle);
    assert.match(readFileSync(join(bundle, "rootfs/etc/os-release"), "utf8"), /^ID=debian$/m);
    assert.ok(existsSync(join(bundle, "rootfs/app/app.py")));
  },
);

const noUser = skip ?? cannotHaveIds;
const userTitle = (name: string): string => noUser === undefined ? name : `${name} (${noUser})`;
const printLayers = fileURLToPath(new URL("../support/print_recipe_layers.ts", import.meta.url));

test(
  userTitle("a user with subordinate ids makes the same layers, on the other runtime"),
  { skip: noUser !== undefined, timeout: 300_000 },
  async () => {
    const theirs = runAsUser([...runtimeCommands(printLayers).at(-1) ?? [], "debian", "python"]);
    assert.equal(theirs.status, 0, theirs.stderr);
    const [base, python] = theirs.stdout.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(base, (await built(baseRecipe)).layers);
    assert.deepEqual(python, (await built(pythonRecipe)).layers);
  },
);

test(
  userTitle("a user without subordinate ids is told what to install"),
  { skip: noUser !== undefined, timeout: 60_000 },
  () => {
    const { status, stderr } = runAsUser(
      [...runtimeCommands(printLayers)[0] ?? [], "debian"],
      false,
    );
    assert.notEqual(status, 0);
    assert.match(stderr, /DEBIAN_FAILED/);
    assert.match(stderr, /install uidmap/);
  },
);

function runAsUser(
  command: readonly string[],
  ids = true,
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  using theirs = temporaryDirectory();
  const [program = "", ...args] = asUserWithIds(
    ["env", `LAYERWRIGHT_HOME=${theirs.path}/store`, ...command],
    theirs.path,
    ids,
  );
  return spawnSync(program, args, { encoding: "utf8", cwd: "/", timeout: 280_000 });
}
