/** The command line on recorded streams, and an engine that writes down what it is asked to do. */
import type { CliCommand, CliEngine, CliIo } from "../../plugins/cli/command.ts";
import { runCli } from "../../plugins/cli/run_cli.ts";
import { type BlobDigest, type BuildOptions, type ImageID, sha256 } from "../../core/mod.ts";
import type {
  BuildPlan,
  BuildResult,
  BuildTarget,
  Graph,
  StepExplanation,
} from "../../core/mod.ts";

export interface CliSurroundings {
  readonly workingDirectory: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly stdoutIsTty?: boolean;
  readonly interrupt?: AbortSignal;
  readonly commands?: readonly CliCommand[];
}

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
  };
  const code = await runCli(argv, engine, io);
  return { code, stdout, stderr };
}

export const builtDigest: BlobDigest = sha256<BlobDigest>("manifest");
/** Of the manifest in the store. */
export const storedDigest: BlobDigest = sha256<BlobDigest>("stored manifest");
export const builtImageId: ImageID = sha256<ImageID>("config");

export interface EngineCall {
  readonly verb: "build" | "plan" | "explain" | "graph";
  readonly image: BuildTarget;
  readonly options: BuildOptions;
}

/** An engine behind the CLI's seam: it answers what it is given, or throws it, and keeps the calls. */
export class ScriptedEngine implements CliEngine {
  readonly calls: EngineCall[] = [];
  planned: BuildPlan = { steps: [] };
  explained: readonly StepExplanation[] = [];
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

  graph(image: BuildTarget, options: BuildOptions = {}): Graph {
    this.calls.push({ verb: "graph", image, options });
    return this.compiled;
  }
}
