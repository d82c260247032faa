/**
 * The recipe language: what can be said about an image, one call for one step.
 *
 * @module
 */
import type { CachePolicy, Healthcheck, Resources } from "../graph/op.ts";
import type { InlineFileValue } from "./inline_file.ts";
import type { MountValue } from "./mount.ts";
import type { ShellCommand } from "./shell_quote.ts";
import type { FileOrigin, StageBase } from "./step.ts";

/** An image under construction that has no files to start from yet. */
export interface ImageStart {
  /** The platform of the `from` calls that follow; without one, the platform of the build. */
  platform(platform: string): ImageStart;
  /** Starts the first stage. See {@link ImageBuilder.from}. */
  from(base: StageBase): ImageBuilder;
}

/** Any image, whatever the names of its stages. */
export type AnyImage = ImageBuilder<string>;

/** A command: a string is for the shell, an array is run as it is, `sh` quotes values for the shell. */
export type CommandInput = string | readonly string[] | ShellCommand;

/** Something to copy: a path or wildcard below the root of where it comes from, or a file of the recipe. */
export type CopySource = string | InlineFileValue;

/** Options of {@link ImageBuilder.copy}. */
export interface CopyOptions<Stages extends string = never> {
  /** A stage by name or value, a context, a source; absent: the build context. */
  readonly from?: Stages | FileOrigin;
  /** `user:group`, names or numbers; absent: `0:0`. A user alone gives the group the user's number. */
  readonly owner?: string | { readonly user: string | number; readonly group?: string | number };
  /**
   * Permission bits. `executable-bit` (the default): files 0644, or 0755 when executable, directories 0755,
   * whatever the umask of the checkout was; `preserve`: as in the source; else in chmod's words: `0o750`,
   * `"0750"`, `"u=rwX,go=rX"`.
   */
  readonly mode?: "executable-bit" | "preserve" | number | (string & Record<never, never>);
  /** Keep the modification times of the source instead of setting the epoch of the build. */
  readonly keepTimes?: boolean;
  /** Lay the files into a layer of their own, blind to what is at the destination, as `COPY --link`. */
  readonly link?: boolean;
  /** Keep the directories of each source's path, as `COPY --parents`. */
  readonly parents?: boolean;
  /** Patterns of paths below each source to leave out. */
  readonly exclude?: readonly string[];
  /** A source that does not exist is no error. */
  readonly optional?: boolean;
}

/** Options of {@link ImageBuilder.add}. */
export interface AddOptions<Stages extends string = never> extends CopyOptions<Stages> {
  /** Which archives to extract: `local` ones as ADD does (the default), `never` any, or `always` all. */
  readonly extract?: "never" | "local" | "always";
}

/** Both limits of a {@link Ulimit}, or one for both. */
export type UlimitValue = number | { readonly soft: number; readonly hard: number };

/** Options of {@link ImageBuilder.run}. */
export interface RunOptions<Stages extends string = never> {
  readonly mounts?: readonly MountValue<Stages>[];
  /** `none`: no network but the loopback. */
  readonly network?: "default" | "none" | "host";
  readonly security?: "sandbox" | "insecure";
  /** Environment variables of this step only. */
  readonly env?: Readonly<Record<string, string>>;
  /** Who runs it, instead of the user in force: `name`, `uid`, `name:group`, `uid:gid`. */
  readonly user?: string;
  /** Where it runs, instead of the working directory in force. */
  readonly workdir?: string;
  /** Ends the step after this many milliseconds, and fails it. */
  readonly timeoutMs?: number;
  /** Lines of its /etc/hosts: name to address. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Size of /dev/shm; 64 MiB unless given. */
  readonly shmSizeBytes?: number;
  /** Limits of setrlimit(2) by name (`nofile`, `nproc`…): both, or soft and hard. -1: none. */
  readonly ulimits?: Readonly<Record<string, UlimitValue>>;
  /** What it may use at most, where control groups can be had; elsewhere there is a warning. */
  readonly resources?: Resources;
  /**
   * When an earlier result may be used: `"never"`; for some time, `{ ttlMs: 86_400_000 }`; as long as a text is the
   * same, `{ key: "2026-W48" }`. Unless given, whenever nothing that the step depends on has changed.
   */
  readonly cache?: CachePolicy;
}

/** Options of {@link ImageBuilder.healthcheck}; absent numbers are inherited, or the runtime's. */
export type HealthcheckOptions = Omit<Extract<Healthcheck, { kind: "test" }>, "kind" | "command">;

/**
 * An image under construction. It is a value: every call gives a new one and changes none, so that one
 * image can be the start of many. Nothing is built before `build(image)`.
 *
 * `Stages` are the names given with {@link as} so far: a name that is not among them does not compile.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { image } from "./image.ts";
 * import { toDockerfile } from "./to_dockerfile.ts";
 * const app = image("app").from("debian:12").copy("app", "/srv/").cmd(["/srv/app"]);
 * assert.match(toDockerfile(app), /^COPY app \/srv\/$/m);
 * ```
 */
export interface ImageBuilder<Stages extends string = never> {
  /** The platform of the `from` calls that follow; without one, the platform of the build. */
  platform(platform: string): ImageBuilder<Stages>;
  /**
   * Starts a new stage. The stages before stay usable by name; what follows is the image.
   *
   * @param base `"scratch"` (no files), a reference (`debian:12`), the name of an earlier stage, another
   * image as a value, or a source of a plugin.
   */
  from(base: StageBase): ImageBuilder<Stages>;
  /** Names the current stage: `[a-z][a-z0-9_.-]*`. Later stages of this chain can copy from it by this name. */
  as<const Name extends string>(name: Name): ImageBuilder<Stages | Name>;

  /**
   * Copies files (Dockerfile COPY).
   *
   * @param source Paths and wildcards below the root of the context, or of `from`; or files of the recipe.
   * @param destination A path, relative ones below the working directory; with a slash at the end it is a
   * directory, as it must be for several sources.
   */
  copy(
    source: CopySource | readonly CopySource[],
    destination: string,
    options?: CopyOptions<NoInfer<Stages>>,
  ): ImageBuilder<Stages>;
  /** Copies files and extracts archives (Dockerfile ADD). See {@link copy}. */
  add(
    source: CopySource | readonly CopySource[],
    destination: string,
    options?: AddOptions<NoInfer<Stages>>,
  ): ImageBuilder<Stages>;
  /** Runs a command while the image is built (Dockerfile RUN) and keeps the changes to files. */
  run(command: CommandInput, options?: RunOptions<NoInfer<Stages>>): ImageBuilder<Stages>;

  /** Sets environment variables, of the steps that follow and of containers. */
  env(variables: Readonly<Record<string, string>>): ImageBuilder<Stages>;
  env(name: string, value: string): ImageBuilder<Stages>;
  /** Declares a build argument: an environment variable of the steps that follow, not of containers. */
  arg(name: string, defaultValue?: string): ImageBuilder<Stages>;
  /** Sets labels. */
  label(labels: Readonly<Record<string, string>>): ImageBuilder<Stages>;
  label(name: string, value: string): ImageBuilder<Stages>;
  /** Sets annotations of the image's manifest. */
  annotation(annotations: Readonly<Record<string, string>>): ImageBuilder<Stages>;
  annotation(name: string, value: string): ImageBuilder<Stages>;
  /** Sets the working directory, of the steps that follow and of containers, and creates it. */
  workdir(path: string): ImageBuilder<Stages>;
  /** Sets who runs the steps that follow and containers: `name`, `uid`, `name:group`, `uid:gid`. */
  user(user: string): ImageBuilder<Stages>;
  /** Says which ports containers listen on: `3000`, `"53/udp"`, `"8000-8010"`. */
  expose(...ports: readonly (number | string)[]): ImageBuilder<Stages>;
  /** Says which directories of containers hold data. */
  volume(...paths: readonly string[]): ImageBuilder<Stages>;
  /** Sets what containers always run. It empties an inherited {@link cmd}. */
  entrypoint(command: CommandInput): ImageBuilder<Stages>;
  /** Sets what containers run, or the arguments of the {@link entrypoint}, unless they are told otherwise. */
  cmd(command: CommandInput): ImageBuilder<Stages>;
  /** Sets the shell of commands in shell form, of this call on: `["/bin/bash", "-c"]`. */
  shell(shell: readonly string[]): ImageBuilder<Stages>;
  /** Sets how containers are asked whether they work; `"none"` turns an inherited check off. */
  healthcheck(command: CommandInput, options?: HealthcheckOptions): ImageBuilder<Stages>;
  /** Sets the signal that asks containers to end: `SIGTERM`, `15`. */
  stopSignal(signal: string): ImageBuilder<Stages>;
  /** Adds an instruction, in a Dockerfile's words, for Dockerfile builds that start from this image. */
  onbuild(instruction: string): ImageBuilder<Stages>;
  /** Sets the author. */
  author(author: string): ImageBuilder<Stages>;

  /**
   * Replaces the layers since `from` (an image this one grew out of; absent: the base of the current stage)
   * by one that has the same effect.
   */
  squash(options?: { readonly from?: AnyImage }): ImageBuilder<Stages>;

  /** Applies a function: `image.use(nodeModules)` reads in order where `nodeModules(image)` does not. */
  use<Result extends AnyImage>(apply: (image: ImageBuilder<Stages>) => Result): Result;
  /** Goes on with `then` if the condition holds, else with `otherwise` if there is one. */
  when(
    condition: boolean,
    then: (image: ImageBuilder<Stages>) => ImageBuilder<Stages>,
    otherwise?: (image: ImageBuilder<Stages>) => ImageBuilder<Stages>,
  ): ImageBuilder<Stages>;
}
