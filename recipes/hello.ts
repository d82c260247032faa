/** The smallest image: one file, no base, nothing to run. */
import { build, image, type ImageBuilder, inlineFile } from "../mod.ts";

const greeting = inlineFile("hello.txt", "Hello from a layer\n");
const hello: ImageBuilder = image("hello").from("scratch").copy(greeting, "/");

export default hello;

// deno-lint-ignore no-console
if (import.meta.main) console.log(await (await build(hello, { tags: ["hello:dev"] })).digest());
