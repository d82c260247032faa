/**
 * A child process that builds a step which prints "begun" and goes on for ever. Argument: the home of the store.
 */
import process from "node:process";
import { createEngine, defaultPlugins, image } from "../../mod.ts";
import { busyboxImage } from "./busybox_image.ts";

const engine = createEngine({ plugins: defaultPlugins, home: process.argv[2] ?? "" });
await engine.build(image("app").from(busyboxImage()).run("echo begun; sleep 1000"), {
  progress: {
    event(event): void {
      if (event.type === "log") process.stdout.write(event.bytes);
    },
    close(): void {},
  },
});
