/** A Debian without a registry: its root file system is made of Debian's own packages, once, and kept in the store. */
import { build, debian, image, type ImageBuilder } from "../mod.ts";

const base: ImageBuilder = image("debian")
  .from(debian({ suite: "bookworm", slim: true, include: ["ca-certificates", "tzdata"] }))
  .env({ LANG: "C.UTF-8" });

export default base;

if (import.meta.main) {
  const { imageId } = await build(base, { tags: ["debian:bookworm"] });
  // deno-lint-ignore no-console
  console.log(imageId);
}
