/**
 * A Python service on Debian, installed with apt inside the build: packages and their lists are downloaded once and kept in
 * cache mounts, and what would differ from one run to the next is removed, so that a rebuild gives the same layers.
 */
import { build, cacheMount, context, image, type ImageBuilder } from "../mod.ts";
import base from "./debian.ts";

const sources = context(new URL("./python", import.meta.url), { name: "python" });
const mounts = ["/var/cache/apt", "/var/lib/apt/lists"].map((path) =>
  cacheMount(path, { sharing: "locked" })
);
const packages = ["python3", "iputils-ping"];
// Logs, a cache with inode numbers in it, and copies of the state before the last change.
const leftovers = [
  "/var/log/*.log",
  "/var/log/apt/*",
  "/var/cache/ldconfig/aux-cache",
  "/var/cache/debconf/*-old",
  "/var/lib/dpkg/*-old",
];

const app: ImageBuilder = image("python")
  .from(base)
  .run(
    `apt-get update && apt-get install -y --no-install-recommends ${packages.join(" ")} && ` +
      `rm -rf ${leftovers.join(" ")}`,
    { mounts, env: { DEBIAN_FRONTEND: "noninteractive" } },
  )
  .workdir("/app")
  .copy("app.py", "./", { from: sources })
  .run(["python3", "-m", "compileall", "-q", "."], { network: "none" })
  .env({ PORT: "8000", PYTHONUNBUFFERED: "1" })
  .user("65534:65534")
  .expose(8000)
  .healthcheck(["python3", "-c", "import app; print(app.greeting())"])
  .entrypoint(["python3", "app.py"]);

export default app;

if (import.meta.main) {
  const { imageId } = await build(app, { tags: ["python:dev"] });
  // deno-lint-ignore no-console
  console.log(imageId);
}
