/**
 * Debian base images, made of packages: the source of `debian://SUITE`, and how recipes name it.
 *
 * @module
 */
import {
  definePlugin,
  type Plugin,
  type ResolvedSource,
  type Source,
  type SourceContext,
  type SourceOp,
} from "../../core/mod.ts";
import { DEBIAN_SCHEME } from "./definition.ts";

export { debian, type DebianOptions } from "./debian.ts";

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const BASE: string = "./base_image.ts";

/** Gives the image of a Debian base, making it when the store does not have it. */
export const debianSource: Source = {
  scheme: DEBIAN_SCHEME,
  async resolve(op: SourceOp, context: SourceContext): Promise<ResolvedSource> {
    const { baseImage }: typeof import("./base_image.ts") = await import(BASE);
    return await baseImage(op, context);
  },
};

/** Adds `debian://` to an engine. */
export const debianPlugin: Plugin = definePlugin({ name: "debian", sources: [debianSource] });
