/**
 * A child process whose builds use the cache `/locked`. Arguments: home of the store, build context, and either `wait`
 * (one step holds the cache and says so) or a name (three steps count, each reading before it writes).
 */
import process from "node:process";
import { cacheMount, createEngine, defaultPlugins, image } from "../../mod.ts";
import { busyboxImage } from "./busybox_image.ts";

const [home = "", contextDirectory = "", role = ""] = process.argv.slice(2);
const engine = createEngine({ plugins: defaultPlugins, home });
const mounts = [cacheMount("/locked", { sharing: "locked" })];
const scripts = role === "wait"
  ? ["echo held > /locked/mark; echo holding; exec sleep 1000"]
  : [1, 2, 3].map((number) =>
    `n=$(cat /locked/count 2>/dev/null || echo 0); sleep 0.05; echo $((n+1)) > /locked/count # ${role} ${number}`
  );
for (const script of scripts) {
  await engine.build(image().from(busyboxImage()).run(script, { mounts }), {
    contextDirectory,
    progress: {
      event: (event) => {
        if (event.type === "log") process.stdout.write(event.bytes);
      },
      close: () => {},
    },
  });
}
