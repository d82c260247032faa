/**
 * One step as lines of a Dockerfile.
 *
 * @module
 */
import { goDuration } from "../graph/go_format.ts";
import { ownerText } from "../graph/history.ts";
import type {
  Command,
  ConfigChange,
  CopyOp,
  Healthcheck,
  NameValue,
  SshMount,
} from "../graph/op.ts";
import type { CallSite } from "./call_site.ts";
import {
  expandedJson,
  fitsHereDocument,
  flagValue,
  isLine,
  json,
  pathList,
  unsayable,
  word,
} from "./dockerfile_word.ts";
import { cacheMount, type MountValue, secretMount, sshMount } from "./mount.ts";
import type { FileOrigin, Instruction } from "./step.ts";

/** Where a step's files come from, in words: the value of `from`, or undefined for the build context. */
export type OriginName = (from: string | FileOrigin | undefined) => string | undefined;

/** Prints a step that is not a `from`. */
export function instructionLines(
  instruction: Instruction,
  site: CallSite,
  originName: OriginName,
): string[] {
  switch (instruction.kind) {
    case "copy":
      return copyLines(instruction.op, originName(instruction.from), site);
    case "run":
      return runLines(instruction, site, originName);
    case "workdir":
      return [`WORKDIR ${word(instruction.path, site)}`];
    case "config":
      return [changeLine(instruction.change, site)];
    case "squash":
      throw unsayable("there is no instruction for squash()", site);
    default:
      return [];
  }
}

function copyLines(op: CopyOp, origin: string | undefined, site: CallSite): string[] {
  const flags: string[] = [];
  if (origin !== undefined && op.sources.length > 0) {
    if (op.instruction === "ADD") throw unsayable("ADD has no --from", site);
    flags.push(`--from=${flagValue(origin, site)}`);
  }
  if (op.parents) {
    if (op.instruction === "ADD") throw unsayable("ADD has no --parents", site);
    flags.push("--parents");
  }
  if (op.owner !== undefined) flags.push(`--chown=${flagValue(ownerText(op.owner), site)}`);
  // Symbolic modes have commas, which mean nothing in this flag.
  if (op.mode.kind === "chmod") flags.push(`--chmod=${op.mode.spec}`);
  if (op.link) flags.push("--link");
  for (const pattern of op.exclude) flags.push(`--exclude=${flagValue(pattern, site)}`);
  if (op.instruction === "ADD" && op.extract !== "local") {
    flags.push(`--unpack=${op.extract === "always"}`);
  }
  if (op.optional) throw unsayable("there is no flag for optional sources", site);
  const paths = [...op.sources, op.destination];
  if (op.inline.length === 0) return [[op.instruction, ...flags, pathList(paths)].join(" ")];
  const words = pathList(paths);
  if (words.startsWith("[")) {
    throw unsayable("files of the recipe cannot stand beside such paths", site);
  }
  const names = op.inline.map(({ name, text }) => {
    if (!/^[A-Za-z0-9_.-]+$/.test(name) || !fitsHereDocument(name, text)) {
      throw unsayable(`file "${name}" of the recipe cannot be a here-document`, site);
    }
    return `<<"${name}"`;
  });
  return [
    [op.instruction, ...flags, ...op.sources, ...names, op.destination].join(" "),
    ...op.inline.map(({ name, text }) => text + name),
  ];
}

function runLines(
  { op, mounts }: Extract<Instruction, { kind: "run" }>,
  site: CallSite,
  originName: OriginName,
): string[] {
  for (
    const [name, isSet] of Object.entries({
      env: Object.keys(op.environment).length > 0,
      user: op.user !== undefined,
      workdir: op.workingDirectory !== undefined,
    })
  ) {
    if (isSet) throw unsayable(`RUN has no flag for "${name}"`, site);
  }
  const flags = mounts.map((mount) => `--mount=${mountText(mount, site, originName)}`);
  if (op.network !== "default") flags.push(`--network=${op.network}`);
  if (op.security !== "sandbox") flags.push(`--security=${op.security}`);
  const lines: string[] = [];
  if (op.timeoutMs !== undefined) {
    lines.push(`# The recipe ends this step after ${op.timeoutMs} ms; there is no flag for that.`);
  }
  const unsaid = {
    hosts: op.hosts,
    shmSizeBytes: op.shmSizeBytes,
    ulimits: op.ulimits,
    resources: op.resources,
  };
  for (const [name, value] of Object.entries(unsaid)) {
    if (value === undefined) continue;
    lines.push(
      `# The recipe sets ${name} of this step; docker build has options for all steps only.`,
    );
  }
  if (op.cache !== undefined) {
    lines.push(
      "# The recipe limits the use of this step's earlier results; there is no flag for that.",
    );
  }
  const { command } = op;
  if (command.form === "exec") return [...lines, ["RUN", ...flags, json(command.args)].join(" ")];
  if (isLine(command.script) && !command.script.includes("<<")) {
    return [...lines, ["RUN", ...flags, command.script].join(" ")];
  }
  // A script that began with "#!" would be run as a file of its own instead of by the shell.
  const script = `${command.script.startsWith("#!") ? "\n" : ""}${
    command.script.replace(/\n?$/, "\n")
  }`;
  let name = "EOF";
  while (script.split("\n").includes(name)) name += "_";
  if (!fitsHereDocument(name, script)) throw unsayable("a script has carriage returns", site);
  return [...lines, ["RUN", ...flags, `<<"${name}"`].join(" "), script + name];
}

function mountText(mount: MountValue<string>, site: CallSite, originName: OriginName): string {
  const fields: string[] = [`type=${mount.type}`];
  // What the builder would take anyway is left out.
  const add = (key: string, value: string | number | undefined, usual?: string | number): void => {
    if (value !== undefined && value !== usual) {
      fields.push(`${key}=${flagValue(String(value), site)}`);
    }
  };
  const addAccount = ({ mode, uid, gid }: MountAccount, usualMode: number): void => {
    add("mode", mode.toString(8).padStart(4, "0"), usualMode.toString(8).padStart(4, "0"));
    add("uid", uid, 0);
    add("gid", gid, 0);
  };
  add("target", mount.target);
  switch (mount.type) {
    case "bind":
      add("from", originName(mount.from));
      add("source", mount.source, "/");
      if (mount.readWrite) fields.push("rw");
      break;
    case "cache": {
      const usual = cacheMount(mount.target);
      add("id", mount.id, usual.id);
      add("sharing", mount.sharing, usual.sharing);
      if (mount.from !== undefined) {
        const origin = originName(mount.from);
        if (origin === undefined) {
          throw unsayable("a cache cannot be filled from the build context", site);
        }
        add("from", origin);
        add("source", mount.source, "/");
      }
      if (mount.readOnly) fields.push("ro");
      addAccount(mount, usual.mode);
      break;
    }
    case "tmpfs":
      add("size", mount.sizeBytes);
      break;
    case "secret":
      add("id", mount.id);
      add("env", mount.environment);
      if (mount.required) fields.push("required");
      if (mount.invalidates === true) throw unsayable("no secret can invalidate a step", site);
      addAccount(mount, secretMount(mount.id).mode);
      break;
    case "ssh": {
      const usual = sshMount();
      add("id", mount.id, usual.id);
      if (mount.required) fields.push("required");
      addAccount(mount, usual.mode);
      break;
    }
  }
  return fields.join(",");
}

type MountAccount = Pick<SshMount, "mode" | "uid" | "gid">;

function changeLine(change: ConfigChange, site: CallSite): string {
  switch (change.kind) {
    case "env":
      return pairsLine("ENV", change.variables, site);
    case "label":
      return pairsLine("LABEL", change.labels, site);
    case "annotation":
      return change.annotations.map(({ name, value }) =>
        `# docker build --annotation ${JSON.stringify(`${name}=${value}`)}`
      )
        .join("\n");
    case "arg":
      return [
        "ARG",
        ...change.variables.map(({ name, value }) =>
          value === undefined
            ? flagValue(name, site)
            : `${flagValue(name, site)}=${value === "" ? "" : word(value, site)}`
        ),
      ].join(" ");
    case "workdir":
      return `WORKDIR ${word(change.path, site)}`;
    case "user":
      return `USER ${word(change.user, site)}`;
    case "expose":
      return `EXPOSE ${change.ports.join(" ")}`;
    case "volume":
      return `VOLUME ${expandedJson(change.paths)}`;
    case "entrypoint":
      return `ENTRYPOINT ${commandText(change.command, site)}`;
    case "cmd":
      return `CMD ${commandText(change.command, site)}`;
    case "shell":
      return `SHELL ${json(change.shell)}`;
    case "healthcheck":
      return `HEALTHCHECK ${healthcheckText(change.healthcheck, site)}`;
    case "stop-signal":
      return `STOPSIGNAL ${change.signal}`;
    case "onbuild":
      return `ONBUILD ${lineText(change.instruction, site)}`;
    case "author":
      return `MAINTAINER ${lineText(change.author, site)}`;
  }
}

function pairsLine(instruction: string, pairs: readonly NameValue[], site: CallSite): string {
  const texts = pairs.map(({ name, value }) =>
    `${word(name, site)}=${value === "" ? '""' : word(value, site)}`
  );
  return [instruction, ...texts].join(" ");
}

function commandText(command: Command, site: CallSite): string {
  return command.form === "exec" ? json(command.args) : lineText(command.script, site);
}

function lineText(text: string, site: CallSite): string {
  if (isLine(text)) return text;
  throw unsayable(`${JSON.stringify(text)} cannot stand on a line`, site);
}

function healthcheckText(healthcheck: Healthcheck, site: CallSite): string {
  if (healthcheck.kind === "none") return "NONE";
  const { command, intervalMs, timeoutMs, startPeriodMs, startIntervalMs, retries } = healthcheck;
  const durations = {
    "interval": intervalMs,
    "timeout": timeoutMs,
    "start-period": startPeriodMs,
    "start-interval": startIntervalMs,
  };
  return [
    ...Object.entries(durations).flatMap(([name, ms]) =>
      ms === undefined ? [] : [`--${name}=${goDuration(ms)}`]
    ),
    ...(retries === undefined ? [] : [`--retries=${retries}`]),
    `CMD ${commandText(command, site)}`,
  ].join(" ");
}
