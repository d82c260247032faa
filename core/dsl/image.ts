/**
 * Where recipes start.
 *
 * Over 300 lines: one class, with a short method for each instruction.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type {
  Command,
  ConfigChange,
  CopyOp,
  HostEntry,
  ModePolicy,
  NameValue,
  OwnerSpec,
  Ulimit,
} from "../graph/op.ts";
import { captureCallSite } from "./call_site.ts";
import type {
  AddOptions,
  AnyImage,
  CommandInput,
  CopyOptions,
  CopySource,
  HealthcheckOptions,
  ImageBuilder,
  ImageStart,
  RunOptions,
} from "./image_builder.ts";
import { isShellCommand } from "./shell_quote.ts";
import type { Instruction, StageBase, Step } from "./step.ts";

type Variables = string | Readonly<Record<string, string>>;

// The calls have to be first in a chain or after a `from`; which of them is a matter of types alone.
class Builder<Stages extends string> implements ImageBuilder<Stages> {
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  /** The last step of an image; undefined for anything else. */
  static stepOf(value: unknown): Step | undefined {
    return typeof value === "object" && value !== null && #step in value ? value.#step : undefined;
  }

  #then<Names extends string = Stages>(instruction: Instruction): Builder<Names> {
    return new Builder<Names>({ prev: this.#step, site: captureCallSite(), instruction });
  }

  #config(change: ConfigChange): Builder<Stages> {
    return this.#then({ kind: "config", change });
  }

  platform(platform: string): Builder<Stages> {
    return this.#then({ kind: "platform", platform });
  }

  from(base: StageBase): Builder<Stages> {
    return this.#then({ kind: "from", base });
  }

  as<const Name extends string>(name: Name): Builder<Stages | Name> {
    return this.#then({ kind: "as", name });
  }

  copy(
    source: CopySource | readonly CopySource[],
    destination: string,
    options: CopyOptions<Stages> = {},
  ): Builder<Stages> {
    const op = copyOp("COPY", source, destination, { ...options, extract: "never" });
    return this.#then({ kind: "copy", op, from: options.from });
  }

  add(
    source: CopySource | readonly CopySource[],
    destination: string,
    options: AddOptions<Stages> = {},
  ): Builder<Stages> {
    const op = copyOp("ADD", source, destination, options);
    return this.#then({ kind: "copy", op, from: options.from });
  }

  run(command: CommandInput, options: RunOptions<Stages> = {}): Builder<Stages> {
    const { mounts = [], network = "default", security = "sandbox", env = {} } = options;
    const { user, workdir, timeoutMs, hosts, shmSizeBytes, ulimits, resources, cache } = options;
    return this.#then({
      kind: "run",
      op: {
        type: "run",
        command: commandOf(command),
        network,
        security,
        environment: { ...env },
        ...(user === undefined ? {} : { user }),
        ...(workdir === undefined ? {} : { workingDirectory: workdir }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(hosts === undefined ? {} : { hosts: hostEntries(hosts) }),
        ...(shmSizeBytes === undefined ? {} : { shmSizeBytes }),
        ...(ulimits === undefined ? {} : { ulimits: ulimitList(ulimits) }),
        ...(resources === undefined ? {} : { resources: { ...resources } }),
        ...(cache === undefined ? {} : { cache }),
      },
      mounts: [...mounts],
    });
  }

  env(variables: Variables, value = ""): Builder<Stages> {
    return this.#config({ kind: "env", variables: pairs(variables, value) });
  }

  arg(name: string, defaultValue?: string): Builder<Stages> {
    const variable = defaultValue === undefined ? { name } : { name, value: defaultValue };
    return this.#config({ kind: "arg", variables: [variable] });
  }

  label(labels: Variables, value = ""): Builder<Stages> {
    return this.#config({ kind: "label", labels: pairs(labels, value) });
  }

  annotation(annotations: Variables, value = ""): Builder<Stages> {
    return this.#config({ kind: "annotation", annotations: pairs(annotations, value) });
  }

  workdir(path: string): Builder<Stages> {
    return this.#then({ kind: "workdir", path });
  }

  user(user: string): Builder<Stages> {
    return this.#config({ kind: "user", user });
  }

  expose(...ports: readonly (number | string)[]): Builder<Stages> {
    // As the Dockerfile parser does, so that one image has one history, whatever the order they were named in.
    return this.#config({ kind: "expose", ports: ports.map(String).sort() });
  }

  volume(...paths: readonly string[]): Builder<Stages> {
    return this.#config({ kind: "volume", paths: [...paths] });
  }

  entrypoint(command: CommandInput): Builder<Stages> {
    return this.#config({ kind: "entrypoint", command: commandOf(command) });
  }

  cmd(command: CommandInput): Builder<Stages> {
    return this.#config({ kind: "cmd", command: commandOf(command) });
  }

  shell(shell: readonly string[]): Builder<Stages> {
    return this.#config({ kind: "shell", shell: [...shell] });
  }

  healthcheck(command: CommandInput, options: HealthcheckOptions = {}): Builder<Stages> {
    const healthcheck = command === "none"
      ? { kind: "none" } as const
      : { kind: "test", command: commandOf(command), ...options } as const;
    return this.#config({ kind: "healthcheck", healthcheck });
  }

  stopSignal(signal: string): Builder<Stages> {
    return this.#config({ kind: "stop-signal", signal });
  }

  onbuild(instruction: string): Builder<Stages> {
    return this.#config({ kind: "onbuild", instruction });
  }

  author(author: string): Builder<Stages> {
    return this.#config({ kind: "author", author });
  }

  squash(options: { readonly from?: AnyImage } = {}): Builder<Stages> {
    return this.#then({ kind: "squash", from: options.from });
  }

  use<Result extends AnyImage>(apply: (image: ImageBuilder<Stages>) => Result): Result {
    return apply(this);
  }

  when(
    condition: boolean,
    then: (image: ImageBuilder<Stages>) => ImageBuilder<Stages>,
    otherwise?: (image: ImageBuilder<Stages>) => ImageBuilder<Stages>,
  ): ImageBuilder<Stages> {
    if (condition) return then(this);
    return otherwise === undefined ? this : otherwise(this);
  }
}

/**
 * Starts a recipe.
 *
 * @param name What the image is called in progress and in messages, and as a target; not its tag.
 * @example Two stages, the first as a value
 * ```ts
 * import assert from "node:assert/strict";
 * import { image } from "./image.ts";
 * import { toGraph } from "./to_graph.ts";
 * const compiled = image("compiled").from("golang:1.26").workdir("/src").copy(".", ".").run("go build -o /app");
 * const app = image("app").from("scratch").copy("/app", "/app", { from: compiled }).entrypoint(["/app"]);
 * const graph = toGraph(app, { platform: { os: "linux", architecture: "amd64" } });
 * assert.equal(graph.targets[0]?.name, "app");
 * ```
 */
export function image(name?: string): ImageStart {
  return new Builder<never>({
    prev: undefined,
    site: captureCallSite(),
    instruction: { kind: "image", name },
  });
}

/** Whether a value is an image under construction that has a base. */
export function isImage(value: unknown): value is AnyImage {
  for (let step = Builder.stepOf(value); step !== undefined; step = step.prev) {
    if (step.instruction.kind === "from") return true;
  }
  return false;
}

/**
 * The last step of an image.
 *
 * @throws {LayerwrightError} `RECIPE_INVALID` for what is no image: a promise of one, or a copy of this module's.
 */
export function lastStepOf(value: unknown): Step {
  const step = Builder.stepOf(value);
  if (step === undefined) {
    const found = value instanceof Promise
      ? "a promise"
      : value === null
      ? "null"
      : `a ${typeof value}`;
    throw new LayerwrightError("RECIPE_INVALID", `Cannot use ${found} as an image`, {
      hint: 'make it with image("name").from("debian:12")',
    });
  }
  return step;
}

function commandOf(command: CommandInput): Command {
  if (typeof command === "string") return { form: "shell", script: command };
  if (isShellCommand(command)) return { form: "shell", script: command.script };
  return { form: "exec", args: [...command] };
}

function hostEntries(hosts: NonNullable<RunOptions["hosts"]>): HostEntry[] {
  return Object.entries(hosts).map(([name, address]) => ({ name, address }));
}

function ulimitList(ulimits: NonNullable<RunOptions["ulimits"]>): Ulimit[] {
  return Object.entries(ulimits).map(([name, limit]) =>
    typeof limit === "number"
      ? { name, soft: limit, hard: limit }
      : { name, soft: limit.soft, hard: limit.hard }
  );
}

function pairs(variables: Variables, value: string): NameValue[] {
  if (typeof variables === "string") return [{ name: variables, value }];
  return Object.entries(variables).map(([name, value]) => ({ name, value }));
}

function copyOp(
  instruction: CopyOp["instruction"],
  source: CopySource | readonly CopySource[],
  destination: string,
  options: AddOptions<string>,
): CopyOp {
  const all: readonly CopySource[] = isList(source) ? source : [source];
  const { owner, mode = "executable-bit", keepTimes = false, link = false } = options;
  const { parents = false, exclude = [], optional = false, extract = "local" } = options;
  return {
    type: "copy",
    instruction,
    sources: all.filter((one) => typeof one === "string"),
    inline: all.flatMap((one) =>
      typeof one === "string" ? [] : [{ name: one.name, text: one.text }]
    ),
    destination,
    ...(owner === undefined ? {} : { owner: ownerSpec(owner) }),
    mode: modePolicy(mode),
    keepTimes,
    link,
    parents,
    exclude: [...exclude],
    optional,
    extract,
  };
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

function ownerSpec(owner: NonNullable<CopyOptions["owner"]>): OwnerSpec {
  if (typeof owner === "object") {
    const { user, group } = owner;
    return { user: String(user), ...(group === undefined ? {} : { group: String(group) }) };
  }
  const colon = owner.indexOf(":");
  return colon < 0
    ? { user: owner }
    : { user: owner.slice(0, colon), group: owner.slice(colon + 1) };
}

function modePolicy(mode: string | number): ModePolicy {
  if (mode === "executable-bit" || mode === "preserve") return { kind: mode };
  return {
    kind: "chmod",
    spec: typeof mode === "number" ? mode.toString(8).padStart(4, "0") : mode,
  };
}
