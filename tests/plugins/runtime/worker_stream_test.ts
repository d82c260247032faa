import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { openWorkerStream } from "../../../plugins/runtime/worker_stream.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

test("openWorkerStream().send() asks for patience while nobody reads, and only then", async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "s");
  const server = createServer({ pauseOnConnect: true });
  server.listen(path);
  await once(server, "listening");
  const connected = once(server, "connection") as Promise<[Socket]>;
  const stream = openWorkerStream(path);
  const [reader] = await connected;
  const line = "x".repeat(1 << 20);
  let sent = 0;
  let room: Promise<void> | undefined;
  while (room === undefined && sent < 64) {
    room = stream.send(line);
    sent += 1;
  }
  assert.notEqual(room, undefined, "64 MiB are taken that nobody reads");
  let received = 0;
  const all = new Promise<void>((resolve) => {
    reader.on("data", (bytes: Uint8Array) => {
      received += bytes.length;
      if (received === sent * (line.length + 1)) resolve();
    });
  });
  reader.resume();
  await room;
  await all;
  // Ended from here: the stream takes its own end for that of its process.
  const end = stream.lines.next();
  reader.end();
  assert.equal((await end).done, true);
  server.close();
});
