/**
 * The part of the executors' contract on what comes from outside the root: sockets, and directories that are packed.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { indexTar } from "../../core/layer/tar_reader.ts";
import type { ExecutorSurroundings } from "../support/executor_surroundings.ts";
import { summaryOf } from "../support/step_fixture.ts";
import type { Check } from "./executor_contract.ts";

/** Declares the tests. */
export function mountContract(check: Check, surroundings: ExecutorSurroundings): void {
  check("run() shows sockets with the mode and owner asked for", async ({ run, path }) => {
    const server = createServer();
    const socket = path();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    try {
      const [uid, gid] = surroundings.manyIds ? [1000, 44] : [0, 0];
      const { result, stdout, entries } = await run("test -S /run/s; stat -c '%a %u:%g' /run/s", {
        mounts: [{ type: "socket", target: "/run/s", path: socket, mode: 0o640, uid, gid }],
      });
      assert.deepEqual([result.exitCode, stdout, entries], [0, `640 ${uid}:${gid}\n`, []]);
    } finally {
      server.close();
    }
  });

  check("pack() writes a directory with its owners, modes, links and times", async (fixture) => {
    const { run, session, path } = fixture;
    const parent = path();
    mkdirSync(join(parent, "cache"), { recursive: true });
    const owner = surroundings.manyIds ? 1000 : 0;
    const script = "cd /c/cache; mkdir d; echo a >d/f; ln d/f l; ln -s d/f s; mkfifo p; " +
      `chown ${owner} . d/f; chmod 4711 d/f; chmod 700 . d; touch -d @5 d/f; touch -d @6 .`;
    const mounts = [{ type: "directory", target: "/c", path: parent, readOnly: false }] as const;
    assert.equal((await run(script, { mounts })).result.exitCode, 0);
    const request = { directory: join(parent, "cache"), name: "files" };
    const texts = [{ name: "about", text: "hi\n" }];
    const tars = [path(), path()];
    const layers = [];
    for (const tarPath of tars) {
      layers.push((await session.pack?.({ ...request, texts, tarPath }))?.layer);
    }
    assert.equal(layers[0]?.diffId, layers[1]?.diffId);
    const entries = indexTar(tars[0] ?? "");
    assert.deepEqual(summaryOf(entries), [
      "file 644 about",
      "directory 700 files",
      "directory 700 files/d",
      "file 4711 files/d/f",
      "hardlink files/l -> files/d/f",
      "fifo 644 files/p",
      "symlink files/s -> d/f",
    ]);
    const byPath = new Map(entries.map((entry) => [entry.path, entry]));
    const facts = ["files", "files/d/f"].map((at) => byPath.get(at))
      .map((entry) => [entry?.uid, entry?.mtimeSeconds]);
    assert.deepEqual(facts, [[owner, 6], [owner, 5]]);
    // What was packed can be unpacked.
    const copy = path();
    mkdirSync(copy);
    await session.unpack({ tarPath: tars[0] ?? "", lowers: [], directory: copy });
    assert.equal(readFileSync(join(copy, "about"), "utf8"), "hi\n");
    const again = path();
    await session.pack?.({ directory: join(copy, "files"), name: "files", texts, tarPath: again });
    assert.deepEqual(readFileSync(again), readFileSync(tars[0] ?? ""));
  });

  check("pack() leaves no half a tar of what it cannot write", async ({ run, session, path }) => {
    const [parent, tarPath] = [path(), path()];
    mkdirSync(parent);
    const mounts = [{ type: "directory", target: "/c", path: parent, readOnly: false }] as const;
    await run("mkdir /c/d; touch /c/d/.wh.x", { mounts });
    const packed = session.pack?.({ directory: join(parent, "d"), name: "d", texts: [], tarPath });
    await assert.rejects(packed ?? Promise.resolve(), { code: "LAYER_NAME_RESERVED" });
    assert.equal(existsSync(tarPath), false);
  });

  check("run() refuses sockets of owners that it does not have", async ({ run, path }) => {
    const mounts = [
      { type: "socket", target: "/run/s", path: path(), mode: 0o600, uid: 4_000_000, gid: 0 },
    ] as const;
    await assert.rejects(run("true", { mounts }), { code: "RUN_UNSUPPORTED" });
  }, surroundings.realRoot ? "root has all ids" : undefined);
}
