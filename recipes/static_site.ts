/** A static site as an image: only copies, so it builds anywhere, without Linux, root or a runtime. */
import { build, context, image, type ImageBuilder } from "../mod.ts";

const files = context(new URL("./static_site", import.meta.url), { name: "site" });

const site: ImageBuilder = image("site").from("scratch")
  .copy(".", "/srv/www", { from: files })
  .label({ "org.opencontainers.image.title": "static site" });

export default site;

// deno-lint-ignore no-console
if (import.meta.main) console.log(await (await build(site, { tags: ["site:dev"] })).digest());
