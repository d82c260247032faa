/**
 * A base image that can run shell steps, made of a program of this machine.
 *
 * @module
 */
import { executable, image, type ImageBuilder } from "../../mod.ts";
import { executorLadder } from "../../plugins/runtime/mod.ts";
import { programPath } from "./program_path.ts";

/** `/usr/bin/busybox`, under the names that shell steps use. */
export function busyboxImage(name = "busybox"): ImageBuilder {
  return image(name).from("scratch").copy("/", "/", { from: executable("busybox") })
    .run([
      "/usr/bin/busybox",
      "sh",
      "-c",
      "/usr/bin/busybox --install -s /usr/bin; ln -s usr/bin /bin",
    ]);
}

/** Why steps cannot run here, for a test's name; undefined where they can. */
export async function runObstacle(): Promise<string | undefined> {
  const probes = await Promise.all(executorLadder().map((executor) => executor.probe()));
  if (!probes.some(({ usable }) => usable)) return "needs an executor";
  return programPath("busybox") === undefined ? "needs busybox" : undefined;
}
