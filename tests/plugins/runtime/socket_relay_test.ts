/** Relays of sockets: all bytes arrive, and ends are passed on. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, statSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { ResolvedMount } from "../../../core/mod.ts";
import { type RelayedMounts, relaySockets } from "../../../plugins/runtime/socket_relay.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const options = {
  skip: process.platform === "linux" ? false : "needs Linux",
  timeout: 30_000,
};

async function listen(server: Server, path: string): Promise<AsyncDisposable> {
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function relayed(path: string, scratch: string): Promise<RelayedMounts & { socket: string }> {
  mkdirSync(scratch, { recursive: true });
  const mount: ResolvedMount = {
    ...{ type: "socket", target: "/run/s", path, mode: 0o640 },
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
  };
  const tmpfs: ResolvedMount = { type: "tmpfs", target: "/t" };
  const relays = await relaySockets({ checkMapped: () => {} }, [tmpfs, mount], scratch);
  assert.deepEqual(relays.mounts[0], tmpfs);
  const [, own] = relays.mounts;
  assert.ok(own?.type === "socket" && own.path !== path);
  return Object.assign(relays, { socket: own.path });
}

test("a relay passes on all that both sides say, also below a long path", options, async () => {
  using folder = temporaryDirectory();
  const echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  await using _server = await listen(echo, join(folder.path, "echo"));
  await using relay = await relayed(join(folder.path, "echo"), join(folder.path, "x".repeat(150)));
  assert.equal(statSync(relay.socket).mode & 0o777, 0o640);
  const sent = randomBytes(3_000_000);
  const answers = await Promise.all([1, 2].map(async () => {
    // The long path is out of reach for the name of a socket, as it is not inside of a step.
    process.chdir(join(relay.socket, ".."));
    const socket = connect("s");
    await once(socket, "connect");
    const pieces: Uint8Array[] = [];
    let length = 0;
    const all = new Promise<void>((resolve) =>
      socket.on("data", (piece: Uint8Array) => {
        pieces.push(piece);
        length += piece.length;
        if (length === sent.length) resolve();
      })
    );
    socket.write(sent);
    await all;
    socket.destroy();
    return Buffer.concat(pieces);
  }));
  process.chdir("/");
  for (const answer of answers) assert.ok(answer.equals(sent));
});

test("a relay ends a connection whose other end is gone, or was never there", options, async () => {
  using folder = temporaryDirectory();
  const path = join(folder.path, "agent");
  await using relay = await relayed(path, join(folder.path, "s"));
  const dead = connect(relay.socket);
  dead.on("error", () => {});
  dead.resume();
  await once(dead, "close");
  const polite = createServer((socket) => socket.end("bye"));
  await using _server = await listen(polite, path);
  const socket = connect(relay.socket);
  let heard = "";
  socket.on("data", (piece) => {
    heard += String(piece);
  });
  await once(socket, "close");
  assert.equal(heard, "bye");
});

test("a relay that ends leaves no connection open", options, async () => {
  using folder = temporaryDirectory();
  const path = join(folder.path, "agent");
  const [heard, gone, ended] = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const silent = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("close", () => gone?.resolve());
    socket.on("data", () => heard?.resolve());
  });
  await using _server = await listen(silent, path);
  const relay = await relayed(path, join(folder.path, "s"));
  const socket = connect(relay.socket);
  socket.on("error", () => {});
  socket.on("close", () => ended?.resolve());
  socket.resume();
  socket.write("hello");
  await heard?.promise;
  await relay[Symbol.asyncDispose]();
  await Promise.all([gone?.promise, ended?.promise]);
});
