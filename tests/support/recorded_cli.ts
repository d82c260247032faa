/** The command line on recorded streams, and an engine that writes down what it is asked to do. */
import type { CliCommand, CliEngine, CliIo } from "../../plugins/cli/command.ts";
import { runCli } from "../../plugins/cli/run_cli.ts";
import {
  type BlobDigest,
  type BuildOptions,
  type ImageID,
  LayerwrightError,
  sha256,
} from "../../core/mod.ts";
import type {
  BuildPlan,
  BuildResult,
  BuildTarget,
  CacheMounts,
  EngineProbe,
  Graph,
  PastBuild,
  PastStep,
  PruneOptions,
  PruneResult,
  RemovedStore,
  ShellOptions,
  StepConnection,
  StepExplanation,
  VerifyResult,
} from "../../core/mod.ts";

/** Where a command runs, and what it is given. */
export interface CliSurroundings {
  readonly workingDirectory: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly stdoutIsTty?: boolean;
  /** All that can be read from standard input. */
  readonly stdin?: string;
  readonly stdinIsTty?: boolean;
  readonly interrupt?: AbortSignal;
  readonly commands?: readonly CliCommand[];
}

/** How a command ended, and all that it wrote. */
export interface CliOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command and gives all that it wrote. */
export async function runRecorded(
  argv: readonly string[],
  engine: CliEngine,
  surroundings: CliSurroundings,
): Promise<CliOutcome> {
  let stdout = "";
  let stderr = "";
  const { workingDirectory, environment = {}, stdoutIsTty = false, interrupt, commands = [] } =
    surroundings;
  const { stdin, stdinIsTty = false } = surroundings;
  const io: CliIo = {
    stdout: {
      write: (data) => {
        stdout += typeof data === "string" ? data : new TextDecoder().decode(data);
      },
      isTty: stdoutIsTty,
    },
    stderr: {
      write: (text) => {
        stderr += text;
      },
      columns: () => 100,
      rows: () => 40,
      isTty: false,
    },
    environment,
    workingDirectory,
    commands,
    ...interrupt === undefined ? {} : { interrupt },
    ...stdin === undefined ? {} : { stdin: { read: () => bytesOf(stdin) } },
    stdinIsTty: () => stdinIsTty,
  };
  const code = await runCli(argv, engine, io);
  return { code, stdout, stderr };
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new TextEncoder().encode(text));
}

/** Of the manifest as it leaves. */
export const builtDigest: BlobDigest = sha256<BlobDigest>("manifest");
/** Of the manifest in the store. */
export const storedDigest: BlobDigest = sha256<BlobDigest>("stored manifest");
/** Of the image config. */
export const builtImageId: ImageID = sha256<ImageID>("config");

/** What an engine was asked to do. */
export interface EngineCall {
  readonly verb: "build" | "plan" | "explain" | "verify" | "graph";
  readonly image: BuildTarget;
  readonly options: BuildOptions;
}

/** An engine behind the CLI's seam: it answers what it is given, or throws it, and keeps the calls. */
export class ScriptedEngine implements CliEngine {
  readonly calls: EngineCall[] = [];
  planned: BuildPlan = { steps: [] };
  explained: readonly StepExplanation[] = [];
  verified: VerifyResult = { reproducible: true, steps: [] };
  compiled: Graph = { vertices: new Map(), targets: [], metadata: new Map(), contexts: new Map() };
  /** Called in each build, with its options; what it throws is what the build throws. */
  during: (options: BuildOptions) => void | Promise<void> = () => {};

  async build(image: BuildTarget, options: BuildOptions = {}): Promise<BuildResult> {
    this.calls.push({ verb: "build", image, options });
    await this.during(options);
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    return {
      imageId: builtImageId,
      descriptor: { mediaType, digest: storedDigest, size: 5 },
      ...(options.compression === undefined
        ? {}
        : { encoded: { mediaType, digest: builtDigest, size: 7 } }),
      digest: () => Promise.resolve(builtDigest),
      tags: options.tags ?? [],
      steps: [],
    };
  }

  plan(image: BuildTarget, options: BuildOptions = {}): Promise<BuildPlan> {
    this.calls.push({ verb: "plan", image, options });
    return Promise.resolve(this.planned);
  }

  explain(
    image: BuildTarget,
    options: BuildOptions = {},
  ): Promise<readonly StepExplanation[]> {
    this.calls.push({ verb: "explain", image, options });
    return Promise.resolve(this.explained);
  }

  verify(image: BuildTarget, options: BuildOptions = {}): Promise<VerifyResult> {
    this.calls.push({ verb: "verify", image, options });
    return Promise.resolve(this.verified);
  }

  /** What `shell` was asked for. */
  readonly shells: ShellOptions[] = [];
  past: readonly PastBuild[] = [];
  shellExitCode = 0;

  builds(): Promise<readonly PastBuild[]> {
    return Promise.resolve(this.past);
  }

  steps(): Promise<{ readonly build: PastBuild; readonly steps: readonly PastStep[] }> {
    const [build] = this.past;
    if (build === undefined) throw new LayerwrightError("BUILD_UNKNOWN", "none");
    return Promise.resolve({ build, steps: build.steps });
  }

  shell(options: ShellOptions): Promise<number> {
    this.shells.push(options);
    return Promise.resolve(this.shellExitCode);
  }

  /** What `prune` was told. */
  readonly pruned: PruneOptions[] = [];
  probed: EngineProbe = {
    executors: [],
    chosen: undefined,
    store: { name: "store", home: "/home/lw", found: true, detail: "/home/lw (ext4)" },
  };
  freed: PruneResult = {
    ...{ kept: [], freed: [], keptTrees: [], freedTrees: [], leftovers: [] },
    ...{ freedRecords: 0, freedBytes: 0 },
  };

  probe(): Promise<EngineProbe> {
    return Promise.resolve(this.probed);
  }

  prune(options: PruneOptions = {}): Promise<PruneResult> {
    this.pruned.push(options);
    return Promise.resolve(this.freed);
  }

  /** What is to be done with cache mounts; without it there are none. */
  caches: CacheMounts | undefined;

  cacheMounts(): Promise<CacheMounts> {
    if (this.caches === undefined) throw new LayerwrightError("CACHE_MISSING", "none");
    return Promise.resolve(this.caches);
  }

  /** How often the store was removed, and what it left. */
  removals = 0;
  remaining: readonly string[] = [];

  removeStore(): Promise<RemovedStore> {
    this.removals += 1;
    return Promise.resolve({ home: "/home/lw", remaining: this.remaining });
  }

  /** Says back what it hears. */
  async serve({ input, write }: StepConnection): Promise<void> {
    for await (const bytes of input) await write(bytes);
  }

  graph(image: BuildTarget, options: BuildOptions = {}): Graph {
    this.calls.push({ verb: "graph", image, options });
    return this.compiled;
  }
}
