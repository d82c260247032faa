/**
 * The mounts a step asks for, made ready: what has to be mounted outside of the root is, the rest is told in the words
 * of the runtime-spec.
 *
 * @module
 */
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { LayerwrightError } from "../../core/errors.ts";
import type { ResolvedMount, RunRequest } from "../../core/mod.ts";
import { SYSTEM_TARGETS, systemMounts } from "./mount_plan.ts";
import { makeUpper, mountOverlay, unmount } from "./overlay.ts";
import type { MountSpec } from "./prepared_step.ts";
import { lstatIfThere, resolveInRoot } from "./resolve_in_root.ts";
import { Stubs, type StubTarget } from "./stub_layer.ts";
import type { WorkerContext } from "./worker_context.ts";

/** All mounts of one step. */
export interface StepMounts {
  readonly specs: readonly MountSpec[];
  readonly targets: readonly StubTarget[];
  /** Unmounts what was mounted for them. */
  release(): void;
}

/** Where a step's files are. */
export interface StepPlaces {
  /** The root without the step's mounts. */
  readonly below: string;
  /** The step's own directory on disk. */
  readonly directory: string;
  /** The step's own directory in memory. */
  readonly scratch: string;
  /** The directory of its device nodes. */
  readonly devices: string;
}

/** One mount with its target still as it was asked for. */
interface Source {
  readonly target: string;
  readonly kind: StubTarget["kind"];
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/**
 * Makes the sources of all mounts and resolves their targets inside the root.
 *
 * @throws {LayerwrightError} `RUN_UNSUPPORTED` for a target that cannot be mounted on; `FILE_MISSING` for a source that
 * its layers do not have.
 */
export function prepareMounts(
  context: WorkerContext,
  request: RunRequest,
  places: StepPlaces,
): StepMounts {
  const mounted: string[] = [];
  const release = (): void => mounted.reverse().forEach(unmount);
  try {
    const { privileges } = context.options;
    const specs = systemMounts({
      privileges,
      sharesProcesses: context.options.sharesProcesses,
      ownNetwork: request.network === "none",
      insecure: request.security === "insecure",
      shmSizeBytes: request.shmSizeBytes,
      devices: places.devices,
    });
    SYSTEM_TARGETS.forEach((path) => checkSystemTarget(places.below, path));
    const targets: StubTarget[] = SYSTEM_TARGETS.map((path) => ({ path, kind: "directory" }));
    const asked: Source[] = [];
    // The innermost first: a mount that cannot be written to has to have places for those inside it.
    const deepest = [...request.mounts].sort((a, b) => b.target.length - a.target.length);
    for (const [index, mount] of deepest.entries()) {
      const inner = asked.filter(({ target }) => target.startsWith(`${mount.target}/`));
      asked.push(makeSource(context, mount, { ...places, name: String(index), mounted, inner }));
    }
    const taken = new Set(asked.map(({ target }) => target));
    const generated = generatedFiles(context, request, places).filter((file) =>
      !taken.has(file.target) && canHoldFile(places.below, file.target)
    );
    // A mount on a directory hides what was mounted below it before.
    asked.sort((a, b) => a.target < b.target ? -1 : a.target > b.target ? 1 : 0);
    for (const { target, kind, type, source, options } of [...generated, ...asked]) {
      const destination = resolveTarget(places.below, target, kind);
      targets.push({ path: destination, kind });
      specs.push({ destination, type, source, options });
    }
    return { specs, targets, release };
  } catch (error) {
    release();
    throw error;
  }
}

function makeSource(
  context: WorkerContext,
  mount: ResolvedMount,
  places: StepPlaces & {
    readonly name: string;
    readonly mounted: string[];
    /** The mounts inside this one. */
    readonly inner: readonly Source[];
  },
): Source {
  const { target } = mount;
  switch (mount.type) {
    case "layers": {
      const directory = `${places.directory}/mount-${places.name}`;
      mkdirSync(directory);
      const mountLayers = (name: string, base?: string): string => {
        mkdirSync(`${directory}/${name}`);
        const root = mountOverlay({
          directory: `${directory}/${name}`,
          lowers: mount.lowers,
          ...base === undefined ? {} : { base },
          ...mount.readWrite ? { upper: makeUpper(`${directory}/${name}/upper`) } : {},
          userNamespace: context.userNamespace,
          links: context.links,
        });
        places.mounted.push(root);
        return root;
      };
      const plain = mountLayers("plain");
      const { path, stats } = resolveInRoot(plain, mount.source);
      if (stats === undefined) {
        throw new LayerwrightError(
          "FILE_MISSING",
          `Cannot mount ${JSON.stringify(mount.source)} at ${
            JSON.stringify(target)
          }: no such file there`,
        );
      }
      const kind = stats.isDirectory() ? "directory" : "file";
      const options = mount.readWrite ? ["bind", "nodev"] : ["bind", "nodev", "ro"];
      const inner = places.inner.map((one) => ({
        path: posix.join(path, one.target.slice(target.length)),
        kind: one.kind,
      }));
      const root = inner.length === 0
        ? plain
        : mountLayers("stubs", context.stubLayers.layerOf(new Stubs(inner)));
      return { target, kind, type: "bind", source: root + path, options };
    }
    case "directory": {
      const kind = statSync(mount.path).isDirectory() ? "directory" : "file";
      const options = mount.readOnly ? ["bind", "nodev", "ro"] : ["bind", "nodev"];
      return { target, kind, type: "bind", source: mount.path, options };
    }
    case "tmpfs": {
      const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
      const options = ["nosuid", "nodev", "mode=1777", ...size];
      return { target, kind: "directory", type: "tmpfs", source: "tmpfs", options };
    }
    case "socket":
      return { target, kind: "file", type: "bind", source: mount.path, options: ["bind", "nodev"] };
    case "secret": {
      const source = `${places.scratch}/secret-${places.name}`;
      writeFileSync(source, Buffer.from(mount.base64, "base64"), { mode: 0o600 });
      context.checkMapped(mount.uid, mount.gid);
      chownSync(source, mount.uid, mount.gid);
      chmodSync(source, mount.mode);
      return { target, kind: "file", type: "bind", source, options: ["bind", "nodev", "ro"] };
    }
  }
}

/** hosts, hostname and resolv.conf: what the network of the step needs, never part of its layer. */
function generatedFiles(
  context: WorkerContext,
  { hostname, hosts = [], network }: RunRequest,
  { scratch }: StepPlaces,
): Source[] {
  const contents = {
    // BuildKit's lines, then those asked for in their order: the first that has a name wins.
    hosts: [
      `127.0.0.1\tlocalhost ${hostname}`,
      "::1\tlocalhost ip6-localhost ip6-loopback",
      ...hosts.map(({ name, address }) => `${address}\t${name}`),
    ].map((line) => `${line}\n`).join(""),
    hostname: `${hostname}\n`,
    // All other steps have the host's network, and so its resolvers, those at 127.0.0.53 among them.
    "resolv.conf": network === "none" ? "" : context.resolvConf,
  };
  return Object.entries(contents).map(([name, text]) => {
    const source = `${scratch}/${name}`;
    writeFileSync(source, text);
    chmodSync(source, 0o644);
    const options = ["bind", "nosuid", "nodev", "noexec", "ro"];
    return { target: `/etc/${name}`, kind: "file", type: "bind", source, options };
  });
}

function canHoldFile(below: string, target: string): boolean {
  const { path, stats } = resolveInRoot(below, target);
  return stats === undefined ? !isBelowFile(below, path) : !stats.isDirectory();
}

/** Whether something that is no directory is on the way to a path that does not exist. */
function isBelowFile(below: string, path: string): boolean {
  for (let parent = posix.dirname(path);; parent = posix.dirname(parent)) {
    const stats = lstatIfThere(below + parent);
    if (stats !== undefined || parent === "/") return stats?.isDirectory() === false;
  }
}

/**
 * A link in the place of /proc or /dev would have what is written, covered or made read-only there be somewhere else:
 * at worst on this machine, as not every runtime looks.
 */
function checkSystemTarget(below: string, path: string): void {
  const stats = lstatIfThere(below + path);
  if (stats === undefined || stats.isDirectory()) return;
  throw new LayerwrightError(
    "RUN_UNSUPPORTED",
    `Cannot run a step: the image has something at ${path} that is no directory`,
    { hint: `remove ${path} from the image: every step has one of its own` },
  );
}

function resolveTarget(below: string, target: string, kind: StubTarget["kind"]): string {
  const { path, stats } = resolveInRoot(below, target);
  const refuse = (why: string): never => {
    throw new LayerwrightError(
      "RUN_UNSUPPORTED",
      `Cannot mount at ${JSON.stringify(target)}: ${why}`,
    );
  };
  if (path === "/") return refuse("it is the root of the step");
  if (stats === undefined && isBelowFile(below, path)) {
    return refuse("the image has a file on the way to it");
  }
  if (stats !== undefined && stats.isDirectory() !== (kind === "directory")) {
    return refuse(`a ${kind} is to be mounted, and the image has something else there`);
  }
  return path;
}
