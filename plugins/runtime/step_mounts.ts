/**
 * The mounts a step asks for, made ready: what has to be mounted outside of the root is, the rest is told in the words
 * of the runtime-spec.
 *
 * @module
 */
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { LayerwrightError } from "../../core/errors.ts";
import type { ResolvedMount, RunRequest } from "../../core/mod.ts";
import { DEVICES, SYSTEM_TARGETS, systemMounts } from "./mount_plan.ts";
import { makeUpper, mountOverlay, unmount } from "./overlay.ts";
import type { MountSpec } from "./prepared_step.ts";
import { resolveInRoot } from "./resolve_in_root.ts";
import type { StubTarget } from "./stub_layer.ts";
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
    const devices = context.devices;
    const specs = systemMounts({ privileges, ownNetwork: request.network === "none", devices });
    const targets: StubTarget[] = SYSTEM_TARGETS.map((path) => ({ path, kind: "directory" }));
    const asked = request.mounts.map((mount, index) =>
      makeSource(context, mount, { ...places, name: String(index), mounted })
    );
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

/** Makes the device nodes of a worker's steps: real root has its own, so that a chmod cannot reach the host's. */
export function makeDevices(context: Pick<WorkerContext, "calls">, directory: string): string {
  mkdirSync(directory);
  for (const { name, major, minor } of DEVICES) {
    context.calls.mknod(`${directory}/${name}`, 0o020666, major, minor);
    chmodSync(`${directory}/${name}`, 0o666);
  }
  return directory;
}

function makeSource(
  context: WorkerContext,
  mount: ResolvedMount,
  places: StepPlaces & { readonly name: string; readonly mounted: string[] },
): Source {
  const { target } = mount;
  switch (mount.type) {
    case "layers": {
      const directory = `${places.directory}/mount-${places.name}`;
      mkdirSync(directory);
      const root = mountOverlay({
        directory,
        lowers: mount.lowers,
        ...mount.readWrite ? { upper: makeUpper(`${directory}/upper`) } : {},
        userNamespace: context.userNamespace,
      });
      places.mounted.push(root);
      const { path, stats } = resolveInRoot(root, mount.source);
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
  { hostname }: RunRequest,
  { scratch }: StepPlaces,
): Source[] {
  const contents = {
    hosts: `127.0.0.1\tlocalhost ${hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n`,
    hostname: `${hostname}\n`,
    "resolv.conf": context.resolvConf,
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
  const { stats } = resolveInRoot(below, target);
  return stats === undefined || !stats.isDirectory();
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
  if (stats !== undefined && stats.isDirectory() !== (kind === "directory")) {
    return refuse(`a ${kind} is to be mounted, and the image has something else there`);
  }
  return path;
}
