/**
 * An engine with the default plugins over a store and a build context that go away with the test.
 *
 * @module
 */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type BuildOptions,
  type BuildPlan,
  type BuildResult,
  type BuildTarget,
  createEngine,
  defaultPlugins,
  type Engine,
} from "../../mod.ts";
import { temporaryDirectory } from "./temporary_directory.ts";

/** A file of a context: its text, bytes, or a link (`{ link }`), with a mode if it matters. */
export type ContextFile = string | Uint8Array | { readonly link: string } | {
  readonly text: string;
  readonly mode: number;
};

/** See {@link tempEngine}. */
export interface TempEngine extends Disposable {
  readonly engine: Engine;
  readonly home: string;
  /** The build context. */
  readonly context: string;
  /** Writes files into the context. */
  write(files: Readonly<Record<string, ContextFile>>): void;
  build(target: BuildTarget, options?: BuildOptions): Promise<BuildResult>;
  plan(target: BuildTarget, options?: BuildOptions): Promise<BuildPlan>;
}

/** `using lw = tempEngine({ "a.txt": "hi" })`. */
export function tempEngine(files: Readonly<Record<string, ContextFile>> = {}): TempEngine {
  const folder = temporaryDirectory();
  const home = join(folder.path, "home");
  const context = join(folder.path, "context");
  const engine = createEngine({ plugins: defaultPlugins, home });
  mkdirSync(context);
  const lw: TempEngine = {
    engine,
    home,
    context,
    write: (more) => writeFiles(context, more),
    build: (target, options) =>
      engine.build(target, { contextDirectory: context, progress: "none", ...options }),
    plan: (target, options) => engine.plan(target, { contextDirectory: context, ...options }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
  lw.write(files);
  return lw;
}

/** Writes files below a folder. */
export function writeFiles(folder: string, files: Readonly<Record<string, ContextFile>>): void {
  for (const [path, file] of Object.entries(files)) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    if (typeof file === "object" && "link" in file) symlinkSync(file.link, target);
    else if (typeof file === "object" && "text" in file) {
      writeFileSync(target, file.text);
      chmodSync(target, file.mode);
    } else writeFileSync(target, file);
  }
}
