/**
 * What can be wrong with a change of the image config.
 *
 * @module
 */
import type { Problem } from "./diagnostic.ts";
import type { ConfigChange, Healthcheck } from "./op.ts";
import { expandPorts } from "./port_spec.ts";
import { isSignal } from "./stop_signal.ts";
import { commandProblems, isName, userProblems } from "./validate_value.ts";

/** In the config durations are nanoseconds: more milliseconds than these are no safe integer there. */
const DURATION_LIMIT_MS = 9_000_000_000;

/** All that is wrong with a change. */
export function changeProblems(change: ConfigChange): Problem[] {
  switch (change.kind) {
    case "env":
      return nameProblems("environment variable", change.variables, isName);
    case "arg":
      return nameProblems("build argument", change.variables, isName);
    case "label":
      return nameProblems("label", change.labels, isFilled);
    case "annotation":
      return nameProblems("annotation", change.annotations, isFilled);
    case "workdir":
      if (change.path !== "") return [];
      return [{ code: "PATH_INVALID", message: 'Cannot work in directory "": the path is empty' }];
    case "user":
      return userProblems(change.user);
    case "expose":
      return change.ports.filter((port) => expandPorts(port) === undefined).map((port) => ({
        code: "PORT_INVALID",
        message: `Cannot expose ${
          JSON.stringify(port)
        }: not a port, such as "80", "53/udp" or "8000-8010/tcp"`,
      }));
    case "volume":
      return change.paths.filter((path) => !path.startsWith("/")).map((path) => ({
        code: "PATH_INVALID",
        message: `Cannot declare volume ${JSON.stringify(path)}: the path is not absolute`,
      }));
    case "entrypoint":
      return commandProblems("start", change.command);
    case "cmd":
      return commandProblems("start", change.command);
    case "shell":
      if (change.shell[0] !== undefined && change.shell[0] !== "") return [];
      return [{ code: "COMMAND_INVALID", message: "Cannot set shell: it names no program" }];
    case "healthcheck":
      return healthcheckProblems(change.healthcheck);
    case "stop-signal":
      if (isSignal(change.signal)) return [];
      return [{
        code: "SIGNAL_INVALID",
        message: `Cannot stop with ${
          JSON.stringify(change.signal)
        }: not a signal, such as "SIGTERM" or "15"`,
      }];
    case "onbuild":
      return onbuildProblems(change.instruction);
    case "author":
      return [];
  }
}

function isFilled(name: string): boolean {
  return name !== "";
}

function nameProblems(
  what: string,
  values: readonly { readonly name: string }[],
  isValid: (name: string) => boolean,
): Problem[] {
  return values.filter(({ name }) => !isValid(name)).map(({ name }) => ({
    code: "NAME_INVALID",
    message: `Cannot set ${what} ${JSON.stringify(name)}: not a name`,
  }));
}

function healthcheckProblems(healthcheck: Healthcheck): Problem[] {
  if (healthcheck.kind === "none") return [];
  const { command, intervalMs, timeoutMs, startPeriodMs, startIntervalMs, retries = 0 } =
    healthcheck;
  const problems = commandProblems("check with", command);
  if (command.form === "exec" && command.args.length === 0) {
    problems.push({
      code: "COMMAND_INVALID",
      message: "Cannot check with []: it names no program",
    });
  }
  for (
    const [name, ms = 0] of Object.entries({
      intervalMs,
      timeoutMs,
      startPeriodMs,
      startIntervalMs,
    })
  ) {
    // Zero means inherited.
    if (ms !== 0 && (ms < 1 || ms > DURATION_LIMIT_MS)) {
      const message =
        `Cannot check health with ${name} ${ms}: not within 1 and ${DURATION_LIMIT_MS} ms`;
      problems.push({ code: "DURATION_INVALID", message });
    }
  }
  if (retries < 0) {
    problems.push({
      code: "VALUE_INVALID",
      message: `Cannot check health with ${retries} retries: less than none`,
    });
  }
  return problems;
}

function onbuildProblems(instruction: string): Problem[] {
  const [word = ""] = instruction.trim().split(/\s/);
  if (word !== "" && !/^(?:onbuild|from|maintainer)$/i.test(word)) return [];
  const state = word === "" ? "it is empty" : `${word.toUpperCase()} is not allowed there`;
  return [{
    code: "ONBUILD_INVALID",
    message: `Cannot add ONBUILD instruction ${JSON.stringify(instruction)}: ${state}`,
  }];
}
