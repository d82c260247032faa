/**
 * A RUN step that does a little of everything, for tests that kill it and what runs it.
 *
 * @module
 */
import {
  cacheMount,
  createEngine,
  definePlugin,
  type Engine,
  type ImageBuilder,
  tmpfsMount,
} from "../../mod.ts";
import { hostExecutable } from "../../plugins/host_executable/mod.ts";
import { ociExecutor, utilExecutor } from "../../plugins/runtime/mod.ts";
import { busyboxImage } from "./busybox_image.ts";

/** All that a step starts has this variable in its environment; its value is `mark`. */
export const MARK_VARIABLE = "KILLED_STEP_OF";

/** Writes, removes and renames files, leaves processes behind, and takes some 200 ms. */
const STEP = `
  set -e
  (while true; do sleep 100; done) & sleep 1000 &
  mkdir -p /made; i=0
  while [ $i -lt 20 ]; do i=$((i+1)); head -c 20000 /dev/zero > /made/$i; sleep 0.01; done
  rm -r /gone; mv /old /new; chmod 4711 /made/1; ln /made/2 /two
  echo $NUMBER > /number; date > /cache/last; date > /memory/now
`;

/** The image of a number: other content for each, the same content for the same one. */
export function killableImage(number: number, mark: string): ImageBuilder {
  const prepared = busyboxImage().run(
    "mkdir /gone /old; touch /gone/a /gone/b; for i in 1 2 3 4 5 6; do echo $i > /old/$i; done",
  );
  return prepared.run(STEP, {
    env: { NUMBER: String(number), [MARK_VARIABLE]: mark },
    mounts: [cacheMount("/cache"), tmpfsMount("/memory")],
    network: number % 2 === 0 ? "none" : "default",
    resources: { memoryBytes: 1 << 28, pids: 200 },
  });
}

/** An engine that runs steps with `oci` or `util` alone. */
export function runEngine(home: string, executor: string): Engine {
  const executors = [executor === "util" ? utilExecutor() : ociExecutor()];
  return createEngine({
    plugins: [definePlugin({ name: "one-runtime", executors }), hostExecutable],
    home,
  });
}
