/**
 * A child process that builds one image after another, each with other content, until somebody ends it.
 * Arguments: home of the store, build context, number of the first image.
 */
import process from "node:process";
import { createEngine, defaultPlugins, image, inlineFile } from "../../mod.ts";

const [home = "", contextDirectory = "", first = "0"] = process.argv.slice(2);
const engine = createEngine({ plugins: defaultPlugins, home });
process.stdout.write("ready\n");
for (let number = Number(first);; number++) {
  const stage = image("stage").from("scratch").copy("data", "/data").copy(
    inlineFile("n", `${number}`.repeat(9999)),
    "/n",
  );
  const final = image("final").from("scratch").copy("/", "/", { from: stage })
    .copy(inlineFile("m", `${number}`), "/n", { mode: 0o600 }).squash();
  await engine.build(final, {
    contextDirectory,
    progress: "none",
    tags: ["killed:latest", `killed:${number % 3}`],
    ...(number % 2 === 0 ? { compression: "gzip" } : {}),
  });
}
