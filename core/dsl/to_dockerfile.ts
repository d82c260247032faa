/**
 * From a recipe to a Dockerfile, for tools that know nothing else.
 *
 * @module
 */
import { formatReference, parseReference } from "../oci/reference.ts";
import { type Context, DEFAULT_CONTEXT, isContext } from "./context.ts";
import { instructionLines } from "./dockerfile_instruction.ts";
import { flagValue, unsayable } from "./dockerfile_word.ts";
import { lastStepOf } from "./image.ts";
import type { AnyImage } from "./image_builder.ts";
import { isSource } from "./source.ts";
import { originsOf } from "./origins.ts";
import { type FileOrigin, type StageBase, type Step, stepsUntil } from "./step.ts";
import { toGraph } from "./to_graph.ts";
import type { CallSite } from "./call_site.ts";

/** The steps from one `from` to before the next. */
interface Stage {
  readonly steps: readonly Step[];
  readonly last: Step;
  /** What the recipe calls it. */
  readonly wanted: string | undefined;
  /** `.platform()` in force at its `from`. */
  readonly platform: string | undefined;
  /** Stages before it in its chain, by the names they have in the recipe. */
  readonly earlier: ReadonlyMap<string, Step>;
}

/**
 * Prints a recipe as a Dockerfile: a stage for each `from`, in an order in which every stage comes after those
 * it uses. What a Dockerfile says in other words (contexts, time limits, annotations) becomes a comment.
 *
 * @throws {LayerwrightError} `RECIPE_INVALID`, naming a step that no Dockerfile can say: `squash()`, files of
 * plugins, an environment of one step, names with characters that no quotes protect; `GRAPH_INVALID` as `toGraph`.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { image } from "./image.ts";
 * import { toDockerfile } from "./to_dockerfile.ts";
 * const app = image().from("debian:12").env("GREETING", "good $DAY").cmd(["/app"]);
 * assert.equal(toDockerfile(app), [
 *   "# syntax=docker/dockerfile:1",
 *   "",
 *   "FROM debian:12",
 *   'ENV GREETING="good \\$DAY"',
 *   'CMD ["/app"]',
 *   "",
 * ].join("\n"));
 * ```
 */
export function toDockerfile(image: AnyImage): string {
  // All that is wrong with the recipe is said at once, before the first thing a Dockerfile cannot say.
  toGraph(image, { platform: { os: "linux", architecture: "amd64" } });
  return new DockerfilePrinter().print(lastStepOf(image));
}

class DockerfilePrinter {
  readonly #blocks: string[] = [];
  /** The printed name of each printed stage, by its last step. */
  readonly #names = new Map<Step, string>();
  readonly #taken = new Set<string>();
  readonly #contexts = new Map<string, string>();
  #normalizesModes = false;

  print(tail: Step): string {
    const chains = [{ stages: stagesOf(tail), next: 0 }];
    for (let chain = chains.at(-1); chain !== undefined; chain = chains.at(-1)) {
      const stage = chain.stages[chain.next];
      if (stage === undefined) {
        chains.pop();
        continue;
      }
      const missing = stage.steps.flatMap(originsOf).find((origin) => !this.#names.has(origin));
      if (missing !== undefined) {
        chains.push({ stages: stagesOf(missing), next: 0 });
        continue;
      }
      if (!this.#names.has(stage.last)) this.#stage(stage, stage.last === tail);
      chain.next++;
    }
    return [`${this.#header().join("\n")}\n`, ...this.#blocks].join("\n");
  }

  #header(): string[] {
    const lines = ["# syntax=docker/dockerfile:1"];
    for (const [path, name] of this.#contexts) {
      lines.push(`# docker build --build-context ${name}=${JSON.stringify(path)}`);
    }
    if (this.#normalizesModes) {
      lines.push(
        "# Copied files keep their modes and times here; built from the recipe they are normalised.",
      );
    }
    return lines;
  }

  #stage(stage: Stage, isResult: boolean): void {
    const name = this.#name(stage, isResult);
    const [from, ...steps] = stage.steps;
    if (from?.instruction.kind !== "from") {
      throw new TypeError("A stage does not begin with a base");
    }
    const platform = stage.platform === undefined
      ? []
      : [`--platform=${flagValue(stage.platform, from.site)}`];
    const base = this.#base(from.instruction.base, stage, from.site);
    const lines = [
      ["FROM", ...platform, base, ...(name === undefined ? [] : ["AS", name])].join(" "),
    ];
    for (const { instruction, site } of steps) {
      if (instruction.kind === "copy" && instruction.op.mode.kind === "executable-bit") {
        this.#normalizesModes = true;
      }
      lines.push(
        ...instructionLines(instruction, site, (origin) => this.#origin(origin, stage, site)),
      );
    }
    this.#blocks.push(`${lines.join("\n")}\n`);
    this.#names.set(stage.last, name ?? "");
  }

  #name({ wanted }: Stage, isResult: boolean): string | undefined {
    const isName = wanted !== undefined && /^[a-z][a-z0-9_.-]*$/.test(wanted) &&
      !/^(?:scratch|context)$/.test(wanted);
    // Nothing refers to the last stage.
    if (!isName && isResult) return undefined;
    const stem = isName ? wanted : `stage-${this.#names.size}`;
    let name = stem;
    for (let n = 2; this.#taken.has(name); n++) name = `${stem}-${n}`;
    this.#taken.add(name);
    return name;
  }

  #base(base: StageBase, stage: Stage, site: CallSite): string {
    if (base === "scratch") return base;
    if (typeof base !== "string") {
      return isSource(base)
        ? this.#reference(base.identifier, site)
        : this.#nameOf(lastStepOf(base));
    }
    const earlier = stage.earlier.get(base);
    if (earlier !== undefined) return this.#nameOf(earlier);
    // In a Dockerfile any stage before would be meant, here only those of the same chain.
    return this.#taken.has(base) ? formatReference(parseReference(base)) : base;
  }

  #origin(from: string | FileOrigin | undefined, stage: Stage, site: CallSite): string | undefined {
    if (from === undefined) return undefined;
    if (isContext(from)) return this.#context(from, site);
    if (isSource(from)) return this.#reference(from.identifier, site);
    const last = typeof from === "string" ? stage.earlier.get(from) : lastStepOf(from);
    return last === undefined ? undefined : this.#nameOf(last);
  }

  #nameOf(last: Step): string {
    return this.#names.get(last) ?? "";
  }

  #reference(identifier: string, site: CallSite): string {
    const prefix = "docker-image://";
    if (identifier.startsWith(prefix)) return identifier.slice(prefix.length);
    throw unsayable(`files of "${identifier}" are not within its reach`, site);
  }

  #context({ name, path, include, ignore }: Context, site: CallSite): string | undefined {
    if (include.length > 0 || ignore.length > 0) {
      throw unsayable(
        `build context "${path}" has patterns, which belong into its .dockerignore`,
        site,
      );
    }
    if (name === DEFAULT_CONTEXT.name) return undefined;
    const known = this.#contexts.get(path);
    if (known !== undefined) return known;
    const given = name ?? `context-${this.#contexts.size + 1}`;
    this.#contexts.set(path, given);
    return given;
  }
}

function stagesOf(tail: Step): Stage[] {
  const stages: Stage[] = [];
  const earlier = new Map<string, Step>();
  let imageName: string | undefined;
  let platform: string | undefined;
  let steps: Step[] = [];
  let stagePlatform: string | undefined;
  const finish = (isLast: boolean): void => {
    const last = steps.at(-1);
    if (last === undefined) return;
    const as = steps.map(({ instruction }) => instruction).find((instruction) =>
      instruction.kind === "as"
    );
    stages.push({
      steps,
      last,
      wanted: as?.kind === "as" ? as.name : isLast ? imageName : undefined,
      platform: stagePlatform,
      earlier: new Map(earlier),
    });
    if (as?.kind === "as") earlier.set(as.name, last);
    steps = [];
  };
  for (const step of stepsUntil(tail, () => false)) {
    const { instruction } = step;
    if (instruction.kind === "image") imageName = instruction.name;
    if (instruction.kind === "platform") platform = instruction.platform;
    if (instruction.kind === "from") {
      finish(false);
      stagePlatform = platform;
    }
    if (instruction.kind === "from" || steps.length > 0) steps.push(step);
  }
  finish(true);
  return stages;
}
