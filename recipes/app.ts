/**
 * A web app in two stages, without a base image: Bun bundles it inside the build, and the image holds nothing but Bun,
 * the libraries Bun is linked with, and the bundle. It needs no network.
 */
import { build, context, executable, image, type ImageBuilder } from "../mod.ts";

const bun = executable("bun");
const sources = context(new URL("./app", import.meta.url), { name: "app" });
const hono = context(new URL("../node_modules/hono", import.meta.url), {
  name: "hono",
  include: ["package.json", "dist/**/*.js"],
  ignore: ["dist/cjs"],
});
const healthcheck =
  "process.exit((await fetch(`http://127.0.0.1:${process.env.PORT}/healthz`)).ok ? 0 : 1)";

const bundle = image("bundle").from("scratch")
  .copy("/", "/", { from: bun })
  .workdir("/src")
  .copy(".", "node_modules/hono", { from: hono })
  .copy("server.ts", "./", { from: sources })
  .run(["/usr/bin/bun", "build", "server.ts", "--target=bun", "--outfile=/app/server.js"], {
    network: "none",
  });

const app: ImageBuilder = image("app").from("scratch")
  .copy("/", "/", { from: bun })
  .copy("/app/server.js", "/app/", { from: bundle })
  .workdir("/app")
  .env({ NODE_ENV: "production", PORT: "3000" })
  .label({ "org.opencontainers.image.title": "app", "org.opencontainers.image.licenses": "MIT" })
  .user("65532:65532")
  .expose(3000)
  .healthcheck(["/usr/bin/bun", "--eval", healthcheck], { intervalMs: 10_000, timeoutMs: 3_000 })
  .entrypoint(["/usr/bin/bun", "server.js"]);

export default app;

// deno-lint-ignore no-console
if (import.meta.main) console.log(await (await build(app, { tags: ["app:dev"] })).digest());
