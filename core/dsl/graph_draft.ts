/**
 * A graph in the making: equal vertices are one, and what is wrong is collected, not thrown.
 *
 * @module
 */
import { LayerwrightError } from "../errors.ts";
import type { Diagnostic, DiagnosticCode } from "../graph/diagnostic.ts";
import type { GraphContext } from "../graph/graph.ts";
import { type Op, type OpPlatform, SCRATCH, type SourceOp } from "../graph/op.ts";
import {
  createVertex,
  type Vertex,
  type VertexDigest,
  type VertexMetadata,
} from "../graph/vertex.ts";
import { type CallSite, resolveCallSite } from "./call_site.ts";
import type { Context } from "./context.ts";

/** What a draft knows of a vertex beside its definition. */
export interface DraftMetadata extends Omit<VertexMetadata, "at"> {
  /** The builder call it comes from. */
  readonly site?: CallSite;
}

/** Vertices, where contexts are, and what is wrong with them. */
export class GraphDraft {
  /** Inputs before those who use them, in order of appearance. */
  readonly vertices: Map<VertexDigest, Vertex> = new Map();
  readonly metadata: Map<VertexDigest, VertexMetadata> = new Map();
  readonly contexts: Map<string, GraphContext> = new Map();
  readonly problems: Diagnostic[] = [];
  readonly #numberedContexts = new Map<string, string>();

  /** Adds a vertex, unless an equal one is there; undefined, and a problem, for an op that cannot be encoded. */
  add(op: Op, inputs: readonly VertexDigest[], metadata: DraftMetadata): VertexDigest | undefined {
    try {
      return this.#keep(createVertex(op, inputs), metadata);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      const what = metadata.label === undefined ? `a ${op.type}` : JSON.stringify(metadata.label);
      this.report(metadata.site, "VALUE_INVALID", `Cannot use ${what}: ${error.message}`);
      return undefined;
    }
  }

  #keep(vertex: Vertex, { site, ...about }: DraftMetadata): VertexDigest {
    if (!this.vertices.has(vertex.digest)) {
      const at = site === undefined ? undefined : resolveCallSite(site);
      this.vertices.set(vertex.digest, vertex);
      this.metadata.set(vertex.digest, { ...about, ...(at === undefined ? {} : { at }) });
    }
    return vertex.digest;
  }

  /** Adds files from outside. */
  source(
    { identifier, attributes }: Pick<SourceOp, "identifier" | "attributes">,
    platform: OpPlatform,
    metadata: DraftMetadata = {},
  ): VertexDigest {
    return this.#keep(
      createVertex({ type: "source", identifier, attributes, platform }, []),
      metadata,
    );
  }

  /** No files at all; also stands for what could not be found, so that the rest can be looked at. */
  scratch(platform: OpPlatform, metadata: DraftMetadata = {}): VertexDigest {
    return this.source({ identifier: SCRATCH, attributes: {} }, platform, metadata);
  }

  /** Adds a build context, under its own name or the next number. */
  context(context: Context, site: CallSite): VertexDigest {
    const { name: given, path, include, ignore } = context;
    const name = given ?? this.#numberedContext(path);
    const known = this.contexts.get(name);
    if (known === undefined) this.contexts.set(name, { path });
    else if (known.path !== path) {
      const state = `that is the name of ${JSON.stringify(known.path)}`;
      this.report(
        site,
        "CONTEXT_INVALID",
        `Cannot use ${JSON.stringify(path)} as build context "${name}": ${state}`,
      );
    }
    return this.#keep(createVertex({ type: "context", name, include, ignore }, []), { site });
  }

  #numberedContext(path: string): string {
    const known = this.#numberedContexts.get(path);
    if (known !== undefined) return known;
    const name = `context-${this.#numberedContexts.size + 1}`;
    this.#numberedContexts.set(path, name);
    return name;
  }

  /** Keeps a problem of a builder call. */
  report(site: CallSite | undefined, code: DiagnosticCode, message: string): void {
    const at = site === undefined ? undefined : resolveCallSite(site);
    this.problems.push({ code, message, ...(at === undefined ? {} : { at }) });
  }

  /** The result of a parser; undefined, and a problem, where it refuses. */
  attempt<T>(site: CallSite, code: DiagnosticCode, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof LayerwrightError)) throw error;
      this.report(site, code, error.message);
      return undefined;
    }
  }
}
