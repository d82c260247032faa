/**
 * Chains of steps become vertices.
 *
 * Nothing here is recursive: a chain may be longer, and images may be nested deeper, than the stack is deep.
 *
 * @module
 */
import { nearestName } from "../nearest_name.ts";
import type { ConfigChange, Mount, Op, OpPlatform } from "../graph/op.ts";
import { isRoot } from "../graph/root_path.ts";
import type { VertexDigest } from "../graph/vertex.ts";
import { parsePlatform } from "../oci/platform.ts";
import { formatReference, parseReference } from "../oci/reference.ts";
import { DEFAULT_CONTEXT, isContext } from "./context.ts";
import { type ChainFrame, chainFrame, metadataOf, type StageNaming } from "./chain_frame.ts";
import type { DraftMetadata, GraphDraft } from "./graph_draft.ts";
import { lastStepOf } from "./image.ts";
import { originsOf } from "./origins.ts";
import type { MountValue } from "./mount.ts";
import { isSource } from "./source.ts";
import {
  findStage,
  initialScope,
  namesOf,
  nextStage,
  stageNameProblem,
  type StageScope,
} from "./stage_scope.ts";
import { type FileOrigin, type StageBase, type Step } from "./step.ts";

/** A step that is done: the vertex it led to, and what the next one has to know. */
export interface CompiledStep {
  /** Undefined before the first `from`. */
  readonly vertex: VertexDigest | undefined;
  readonly scope: StageScope;
}

/** What chains are compiled for. */
export interface CompilerOptions {
  readonly platform: OpPlatform;
  readonly buildArgs: Readonly<Record<string, string>>;
}

/** Compiles chains into a draft. */
export class GraphCompiler {
  /** The ends of all chains, the given one last. */
  readonly ends: CompiledStep[] = [];
  readonly #draft: GraphDraft;
  readonly #options: CompilerOptions;
  readonly #compiled = new Map<Step, CompiledStep>();

  constructor(draft: GraphDraft, options: CompilerOptions) {
    this.#draft = draft;
    this.#options = options;
  }

  /** Compiles a chain, and before each step the chains it refers to. */
  compile(tail: Step): CompiledStep {
    const frames: ChainFrame[] = [chainFrame(tail, this.#compiled)];
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const step = frame.steps[frame.next];
      const stage = frame.stages[frame.next];
      if (step === undefined || stage === undefined) {
        const last = frame.steps.at(-1);
        if (last !== undefined) this.ends.push(this.#done(last));
        frames.pop();
        continue;
      }
      const missing = originsOf(step).find((origin) => !this.#compiled.has(origin));
      if (missing !== undefined) {
        frames.push(chainFrame(missing, this.#compiled));
        continue;
      }
      this.#compiled.set(step, this.#step(step, stage));
      frame.next++;
    }
    return this.#done(tail);
  }

  #done(step: Step): CompiledStep {
    const done = this.#compiled.get(step);
    if (done === undefined) throw new TypeError("A step is used before it is compiled");
    return done;
  }

  #step(step: Step, stage: StageNaming): CompiledStep {
    const { instruction, prev, site } = step;
    if (instruction.kind === "image" || prev === undefined) {
      const name = instruction.kind === "image" ? instruction.name : undefined;
      return { vertex: undefined, scope: initialScope(this.#options.platform, name) };
    }
    const before = this.#done(prev);
    const { scope } = before;
    if (instruction.kind === "platform") {
      return {
        ...before,
        scope: { ...scope, platform: this.#platform(step, instruction.platform, scope) },
      };
    }
    if (instruction.kind === "from") return this.#from(step, instruction.base, before, stage);
    if (before.vertex === undefined) {
      this.#draft.report(
        site,
        "STAGE_INVALID",
        `Cannot use ${instruction.kind} here: the image has no base yet`,
      );
      return before;
    }
    const base = before.vertex;
    const metadata = metadataOf(step, stage, scope);
    const next = (op: Op, inputs: readonly VertexDigest[]): VertexDigest =>
      this.#draft.add(op, inputs, metadata) ?? base;
    switch (instruction.kind) {
      case "as":
        return { vertex: base, scope: this.#named(step, instruction.name, scope) };
      case "copy": {
        const { op, from } = instruction;
        const origin = op.sources.length === 0 ? [] : [this.#origin(step, from, scope)];
        return { vertex: next(op, [base, ...origin]), scope };
      }
      case "run": {
        const inputs = [base];
        const mounts = instruction.mounts.map((mount) => this.#mount(step, mount, scope, inputs));
        return { vertex: next({ ...instruction.op, mounts }, inputs), scope };
      }
      case "workdir": {
        const { path } = instruction;
        const actions = [{ kind: "mkdir", path, mode: 0o755 }] as const;
        const made = isRoot(path)
          ? base
          : next({ type: "file", instruction: "WORKDIR", actions }, [base]);
        return {
          vertex: next({ type: "config", change: { kind: "workdir", path } }, [made]),
          scope,
        };
      }
      case "config": {
        const change = this.#change(instruction.change, scope);
        const vertex = next({ type: "config", change }, [base]);
        if (change.kind === "cmd") return { vertex, scope: { ...scope, setsCommand: true } };
        if (change.kind === "onbuild") return { vertex, scope: { ...scope, hasTriggers: true } };
        return { vertex, scope };
      }
      case "squash": {
        const { from } = instruction;
        const lower = from === undefined ? scope.base : this.#done(lastStepOf(from)).vertex;
        if (lower === undefined || lower === base) return before;
        const layer = next({ type: "diff" }, [lower, base]);
        return { vertex: next({ type: "merge" }, [lower, layer]), scope };
      }
    }
  }

  #from(step: Step, base: StageBase, before: CompiledStep, stage: StageNaming): CompiledStep {
    const scope = nextStage(before.scope, before.vertex);
    const found = this.#base(base, scope, metadataOf(step, stage, scope), step);
    if (found.hasTriggers) {
      const state = "its instructions run in Dockerfile builds only";
      this.#draft.report(
        step.site,
        "ONBUILD_INVALID",
        `Cannot start from a stage that has onbuild(): ${state}`,
      );
    }
    return { vertex: found.vertex, scope: { ...scope, base: found.vertex } };
  }

  #base(
    base: StageBase,
    scope: StageScope,
    metadata: DraftMetadata,
    step: Step,
  ): { readonly vertex: VertexDigest; readonly hasTriggers: boolean } {
    const draft = this.#draft;
    const { platform } = scope;
    if (base === "scratch") {
      return { vertex: draft.scratch(platform, metadata), hasTriggers: false };
    }
    if (isSource(base)) {
      return { vertex: draft.source(base, platform, metadata), hasTriggers: false };
    }
    if (typeof base !== "string") {
      const { vertex, scope: { hasTriggers } } = this.#done(lastStepOf(base));
      return { vertex: vertex ?? this.#noBase(step, scope), hasTriggers };
    }
    const stage = findStage(scope.stages, base);
    if (stage !== undefined) return stage;
    const reference = draft.attempt(
      step.site,
      "REFERENCE_INVALID",
      () => formatReference(parseReference(base)),
    );
    const vertex = reference === undefined ? draft.scratch(platform) : draft.source(
      { identifier: `docker-image://${reference}`, attributes: {} },
      platform,
      metadata,
    );
    return { vertex, hasTriggers: false };
  }

  #noBase({ site }: Step, scope: StageScope): VertexDigest {
    this.#draft.report(site, "STAGE_INVALID", "Cannot use files of an image that has no base yet");
    return this.#draft.scratch(scope.platform);
  }

  #platform({ site }: Step, text: string, scope: StageScope): OpPlatform {
    const parsed = this.#draft.attempt(
      site,
      "PLATFORM_INVALID",
      () => parsePlatform(text, this.#options.platform),
    );
    if (parsed === undefined) return scope.platform;
    const { os, architecture, variant } = parsed;
    return { os, architecture, ...(variant === undefined ? {} : { variant }) };
  }

  #named({ site }: Step, name: string, scope: StageScope): StageScope {
    const state = stageNameProblem(name, scope);
    if (state !== undefined) {
      this.#draft.report(
        site,
        "STAGE_INVALID",
        `Cannot name a stage ${JSON.stringify(name)}: ${state}`,
      );
    }
    return { ...scope, stageName: name };
  }

  #change(change: ConfigChange, scope: StageScope): ConfigChange {
    if (change.kind === "entrypoint" && scope.setsCommand) return { ...change, keepsCommand: true };
    if (change.kind !== "arg") return change;
    const { buildArgs } = this.#options;
    const variables = change.variables.map((variable) => {
      const value = Object.hasOwn(buildArgs, variable.name)
        ? buildArgs[variable.name]
        : variable.value;
      return value === undefined ? variable : { name: variable.name, value };
    });
    return { kind: "arg", variables };
  }

  #mount(step: Step, mount: MountValue<string>, scope: StageScope, inputs: VertexDigest[]): Mount {
    if (mount.type !== "bind" && mount.type !== "cache") return mount;
    const { from, source, ...rest } = mount;
    if (rest.type === "cache" && from === undefined) {
      return source === "/" ? rest : { ...rest, source };
    }
    const origin = this.#origin(step, from, scope);
    const known = inputs.indexOf(origin, 1);
    return { ...rest, source, input: known < 0 ? inputs.push(origin) - 1 : known };
  }

  #origin(step: Step, from: string | FileOrigin | undefined, scope: StageScope): VertexDigest {
    const { site } = step;
    if (from === undefined) return this.#draft.context(DEFAULT_CONTEXT, site);
    if (typeof from === "string") return this.#stage(step, from, scope);
    if (isContext(from)) return this.#draft.context(from, site);
    if (isSource(from)) {
      return this.#draft.source(from, scope.platform, { site, label: `FROM ${from.identifier}` });
    }
    return this.#done(lastStepOf(from)).vertex ?? this.#noBase(step, scope);
  }

  #stage({ site }: Step, name: string, scope: StageScope): VertexDigest {
    const stage = findStage(scope.stages, name);
    if (stage !== undefined) return stage.vertex;
    const names = namesOf(scope.stages);
    const nearest = nearestName(name, names);
    const state = name === scope.stageName
      ? "it is this stage itself"
      : nearest === undefined
      ? "no earlier stage has that name"
      : `no earlier stage has that name, did you mean "${nearest}"?`;
    this.#draft.report(
      site,
      "STAGE_INVALID",
      `Cannot use files of stage ${JSON.stringify(name)}: ${state}`,
    );
    return this.#draft.scratch(scope.platform);
  }
}
