/**
 * Runs the programs of Debian that do the work.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";
import { LayerwrightError } from "../../core/mod.ts";

/** How a program ended. */
export interface ToolResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  /** The end of what it wrote to stdout and stderr, at most {@link OUTPUT_LINES} lines. */
  readonly lines: readonly string[];
}

/** How a program is run. */
export interface ToolOptions {
  /** Beside what {@link runTool} sets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends it: SIGTERM for it and its children, whereupon it removes what it made, and its end is waited for. */
  readonly signal?: AbortSignal | undefined;
  /** Is told of each line when it is complete. */
  readonly onLine?: (line: string) => void;
}

const OUTPUT_LINES = 200;
const LINE_LIMIT = 2000;
// A user's PATH often lacks the sbin ones, where dpkg's helpers are.
const TOOL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Where a program is.
 *
 * @param path Absolute, or a name to look for where distributions put their programs.
 * @throws {LayerwrightError} `DEBIAN_TOOL_MISSING` naming the package.
 */
export function requireTool(path: string, packageName: string): string {
  const found = TOOL_PATH.split(":").map((folder) =>
    path.startsWith("/") ? path : join(folder, path)
  )
    .find(isProgram);
  if (found !== undefined) return found;
  throw toolMissing(path, packageName);
}

/** Of a file of a package that is not installed. */
export function toolMissing(path: string, packageName: string): LayerwrightError {
  return new LayerwrightError(
    "DEBIAN_TOOL_MISSING",
    `Cannot make a Debian base: there is no ${path} on this machine`,
    { hint: `install the package ${packageName}: apt-get install ${packageName}` },
  );
}

/**
 * Runs a program without a shell, in an environment that is the same for everybody: what a user has set for dpkg, perl
 * or apt would show in the bytes.
 *
 * @throws {LayerwrightError} `BUILD_CANCELLED` once the program has ended.
 */
export async function runTool(
  command: readonly string[],
  { environment = {}, signal, onLine }: ToolOptions = {},
): Promise<ToolResult> {
  refuseCancelled(signal);
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    cwd: "/",
    // A process group of its own: mmdebstrap waits for its children, and ends soon only if they are told as well.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: TOOL_PATH,
      LC_ALL: "C.UTF-8",
      TZ: "UTC",
      TMPDIR: openTemporaryFolder(),
      ...proxiesOf(process.env),
      ...environment,
    },
  });
  const lines: string[] = [];
  const take = (line: string): void => {
    const shown = line.slice(0, LINE_LIMIT).trimEnd();
    if (shown === "") return;
    lines.push(shown);
    if (lines.length > OUTPUT_LINES) lines.shift();
    onLine?.(shown);
  };
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const parts = (rest + text).split(/[\r\n]/);
      // A line without an end is not kept for ever.
      rest = (parts.pop() ?? "").slice(0, LINE_LIMIT);
      for (const line of parts) take(line);
    });
    stream.on("end", () => take(rest));
  }
  const end = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGTERM");
    } catch {
      // Gone already.
    }
  };
  signal?.addEventListener("abort", end, { once: true });
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    refuseCancelled(signal);
    return { exitCode, lines };
  } finally {
    signal?.removeEventListener("abort", end);
  }
}

function refuseCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new LayerwrightError("BUILD_CANCELLED", "Cannot go on: the build was cancelled", {
    cause: signal.reason,
  });
}

function proxiesOf(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    ["http_proxy", "https_proxy", "no_proxy"].flatMap((name): [string, string][] => {
      const value = environment[name];
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
}

/** In a user namespace the programs run as somebody else, who has to get to the folder. */
function openTemporaryFolder(): string {
  const folder = tmpdir();
  if (process.getuid?.() === 0) return folder;
  for (let path = folder; path !== dirname(path); path = dirname(path)) {
    if ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) % 2 === 0) return "/tmp";
  }
  return folder;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
