/**
 * The options on what surrounds the steps of a build: hosts, limits, network, time.
 *
 * @see buildx, `docker buildx build`
 * @module
 */
import type { Command } from "commander";
import { LayerwrightError } from "../../core/errors.ts";
import {
  type HostEntry,
  nearestName,
  type Resources,
  stepOptionProblems,
  type StepOptions,
  type Ulimit,
} from "../../core/mod.ts";
import { splitCommaFields } from "./comma_fields.ts";
import { collect } from "./key_value_options.ts";
import { parseDuration, parseSize } from "./quantities.ts";

/** The options as commander gives them. */
export interface StepFlags {
  readonly addHost?: readonly string[];
  readonly executor?: string;
  readonly allow?: readonly string[];
  readonly network?: string;
  readonly resource?: readonly string[];
  readonly shmSize?: string;
  readonly timeout?: string;
  readonly ulimit?: readonly string[];
}

/** The name that stands for the machine that builds. */
const HOST_GATEWAY = "host-gateway";
const NETWORKS = ["default", "none", "host"] as const;
const ENTITLEMENTS: readonly string[] = ["security.insecure", "network.host"];
const RESOURCES: readonly string[] = ["memory", "pids"];

/** Declares the options. */
export function addStepOptions(command: Command): void {
  command
    .option("--add-host <name:ip>", "add a line to the /etc/hosts of steps", collect)
    .option("--allow <entitlement>", "let steps have security.insecure or network.host", collect)
    .option("--executor <name>", "what runs steps: oci, util or remote (see doctor)")
    .option("--network <mode>", 'network of steps that ask for "default": default, none or host')
    .option("--resource <limit>", "limit steps: memory=512m, pids=100", collect)
    .option("--shm-size <size>", "size of /dev/shm in steps, such as 128m")
    .option("--timeout <duration>", "end a step that takes longer, such as 5m")
    .option("--ulimit <limit>", "limits of steps: nofile=1024, nofile=1024:2048", collect);
}

/**
 * Reads the options.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` with the option and what is wrong with it.
 */
export function readStepOptions(flags: StepFlags): StepOptions {
  const { network, shmSize, timeout } = flags;
  const hosts = (flags.addHost ?? []).map(parseHost);
  const ulimits = parseUlimits(flags.ulimit ?? []);
  const resources = parseResources(flags.resource ?? []);
  const allow = (flags.allow ?? []).flatMap(splitCommaFields).map(parseEntitlement);
  return {
    ...hosts.length === 0 ? {} : { hosts },
    ...allow.length === 0 ? {} : { allow },
    ...flags.executor === undefined ? {} : { executor: flags.executor },
    ...network === undefined ? {} : { network: parseNetwork(network) },
    ...resources === undefined ? {} : { resources },
    ...shmSize === undefined ? {} : { shmSizeBytes: parseSize("--shm-size", shmSize) },
    ...timeout === undefined ? {} : { stepTimeoutMs: parseDuration("--timeout", timeout) },
    ...ulimits.length === 0 ? {} : { ulimits },
  };
}

/** `name:ip` or `name=ip`; an IPv6 address may stand in brackets. */
function parseHost(text: string): HostEntry {
  const [, name = "", rest = ""] = /^([^:=]*)[:=](.*)$/s.exec(text) ?? [];
  if (name === "" || rest === "") {
    throw invalid("--add-host", text, "not a name, a colon and an address");
  }
  const bare = /^\[(.*)\]$/s.exec(rest)?.[1] ?? rest;
  // Steps share the network of the machine that builds.
  const host = { name, address: bare === HOST_GATEWAY ? "127.0.0.1" : bare };
  refuseProblems("--add-host", text, { hosts: [host] });
  return host;
}

function parseUlimits(texts: readonly string[]): Ulimit[] {
  const ulimits = texts.map((text): Ulimit => {
    const [, name, soft, hard] = /^([^=]*)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
    if (name === undefined || soft === undefined) {
      throw invalid(
        "--ulimit",
        text,
        "not name=soft or name=soft:hard",
        "write --ulimit nofile=1024:2048",
      );
    }
    const ulimit = { name, soft: Number(soft), hard: Number(hard ?? soft) };
    refuseProblems("--ulimit", text, { ulimits: [ulimit] });
    return ulimit;
  });
  refuseProblems("--ulimit", texts.at(-1) ?? "", { ulimits });
  return ulimits;
}

function parseResources(texts: readonly string[]): Resources | undefined {
  const found: { memoryBytes?: number; pids?: number } = {};
  for (const text of texts) {
    for (const field of splitCommaFields(text)) {
      const equals = field.indexOf("=");
      const [name, value] = [field.slice(0, Math.max(0, equals)).trim(), field.slice(equals + 1)];
      if (name === "memory") found.memoryBytes = parseSize("--resource memory", value);
      else if (name === "pids") found.pids = parsePids(text, value);
      else {
        const why = equals < 0
          ? "not name=value"
          : `steps cannot be limited in ${JSON.stringify(name)}${suggestion(name, RESOURCES)}`;
        throw invalid("--resource", text, why, "known are memory and pids");
      }
    }
  }
  return texts.length === 0 ? undefined : found;
}

function parsePids(text: string, value: string): number {
  const pids = /^\d{1,15}$/.test(value) ? Number(value) : 0;
  if (pids < 1) throw invalid("--resource", text, "not a number of processes from 1");
  return pids;
}

function parseNetwork(text: string): (typeof NETWORKS)[number] {
  const network = NETWORKS.find((name) => name === text);
  if (network !== undefined) return network;
  const why = `there is no such network${suggestion(text, NETWORKS)}`;
  throw invalid("--network", text, why, `known are ${NETWORKS.join(", ")}`);
}

/** @throws {LayerwrightError} `OPTION_INVALID` for a privilege that no step can be given. */
export function parseEntitlement(text: string): string {
  if (ENTITLEMENTS.includes(text)) return text;
  const isDevice = text === "device" || text.startsWith("device=");
  const why = isDevice
    ? "steps cannot be given devices"
    : `there is no such entitlement${suggestion(text, ENTITLEMENTS)}`;
  throw invalid("--allow", text, why, `known are ${ENTITLEMENTS.join(", ")}`);
}

function suggestion(text: string, names: readonly string[]): string {
  const nearest = nearestName(text, names);
  return nearest === undefined ? "" : `, did you mean ${JSON.stringify(nearest)}?`;
}

function refuseProblems(option: string, text: string, options: StepOptions): void {
  const [problem, ...details] = stepOptionProblems(options).map(withoutAction);
  if (problem !== undefined) throw invalid(option, text, problem, undefined, details);
}

/** What is wrong, of `Cannot set ulimit "nofile=2:1": …`: the option and its value are told by whoever shows it. */
function withoutAction(problem: string): string {
  return problem.replace(/^Cannot [^"]*"(?:[^"\\]|\\.)*": /, "");
}

function invalid(
  option: string,
  text: string,
  why: string,
  hint?: string,
  details: readonly string[] = [],
): LayerwrightError {
  return new LayerwrightError(
    "OPTION_INVALID",
    `Cannot use ${option} ${JSON.stringify(text)}: ${why}`,
    { details, ...hint === undefined ? {} : { hint } },
  );
}
