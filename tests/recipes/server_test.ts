import assert from "node:assert/strict";
import { test } from "node:test";
import server, { createApp } from "../../recipes/app/server.ts";

test("the app serves a page that says how often it was served", async () => {
  const app = createApp();
  const first = await app.request("/");
  assert.equal(first.status, 200);
  assert.match(first.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(await first.text(), /served once/);
  assert.match(await (await app.request("/")).text(), /served 2 times/);
});

test("the app counts visits of the page, each instance its own", async () => {
  const [app, other] = [createApp(), createApp()];
  await app.request("/");
  await app.request("/healthz");
  await app.request("/api/visits");
  assert.deepEqual(await (await app.request("/api/visits")).json(), { visits: 1 });
  assert.deepEqual(await (await other.request("/api/visits")).json(), { visits: 0 });
});

test("the app answers its health check, and 404 for what it does not have", async () => {
  const app = createApp();
  const health = await app.request("/healthz");
  assert.deepEqual([health.status, await health.text()], [200, "ok"]);
  assert.equal((await app.request("/missing")).status, 404);
});

test("the app's module exports what Bun serves", async () => {
  const { PORT } = process.env;
  assert.equal(server.port, PORT === undefined ? 3000 : Number(PORT));
  assert.equal((await server.fetch(new Request("http://localhost/healthz"))).status, 200);
});
