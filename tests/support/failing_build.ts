/**
 * A recipe whose last step fails, the command line on it, and a store of its own.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { host } from "../../core/host/mod.ts";
import { onTerminal, type TerminalSession, type Turn } from "./pseudo_terminal.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

const MAIN = fileURLToPath(new URL("../../bin/main.ts", import.meta.url));
const SUPPORT = new URL("./busybox_image.ts", import.meta.url).href;
const MOD = new URL("../../mod.ts", import.meta.url).href;

/** The steps of the recipe: the last but one makes /work/good, the last one fails with 3. */
const RECIPE = `import { cacheMount, image, secretMount } from ${JSON.stringify(MOD)};
import { busyboxImage } from ${JSON.stringify(SUPPORT)};
export default image("app").from(busyboxImage()).env({ GREETING: "hello" }).workdir("/work")
  .run("echo fine > good; mkdir sub; echo sub > sub/file", { mounts: [cacheMount("/cache")] })
  .run("echo left > left; rm good; echo kept > /cache/kept; seq 300; echo oops >&2; exit 3", {
    mounts: [cacheMount("/cache"), secretMount("token")],
    env: { ONLY: "here" },
  });
`;

/** How a call ended. */
export interface CallOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** See {@link failingBuild}. */
export interface FailingBuild extends Disposable {
  readonly path: string;
  readonly home: string;
  /** Calls the command line in a process of its own. */
  call(argv: readonly string[], input?: string): CallOutcome;
  /** The same on a terminal. */
  type(argv: readonly string[], turns: readonly Turn[]): Promise<TerminalSession>;
  /** Takes the place of the recipe: steps on busybox, each a line for the shell. */
  run(...steps: readonly string[]): void;
}

/** `using place = failingBuild({ LAYERWRIGHT_EXECUTOR: "util" })`. Nothing is built yet. */
export function failingBuild(environment: Readonly<Record<string, string>> = {}): FailingBuild {
  const directory = temporaryDirectory();
  const home = join(directory.path, "home");
  const path = join(directory.path, "context");
  mkdirSync(path);
  writeFileSync(join(path, "layerwright.ts"), RECIPE);
  const own = { ...environment, LAYERWRIGHT_HOME: home, TERM: "dumb", CI: "" };
  const command = host.selfCommand(MAIN);
  return {
    path,
    home,
    call(argv, input = ""): CallOutcome {
      const [program = "", ...args] = command;
      const { status, stdout, stderr } = spawnSync(program, [...args, ...argv], {
        cwd: path,
        input,
        encoding: "utf8",
        env: { ...process.env, ...own },
        timeout: 60_000,
      });
      return { code: status, stdout, stderr };
    },
    run(...steps): void {
      const calls = steps.map((step) => `.run(${JSON.stringify(step)})`).join("");
      writeFileSync(
        join(path, "layerwright.ts"),
        `import { image } from ${JSON.stringify(MOD)};
        import { busyboxImage } from ${JSON.stringify(SUPPORT)};
        export default image("app").from(busyboxImage())${calls};`,
      );
    },
    type: (argv, turns) =>
      onTerminal([...command, ...argv], turns, { directory: path, environment: own }),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}
