/**
 * A step in a Dockerfile's words, for people: in progress, errors and explanations.
 *
 * @module
 */
import { ownerText } from "../graph/history.ts";
import type { Command, ConfigChange } from "../graph/op.ts";
import { isContext } from "./context.ts";
import { isSource } from "./source.ts";
import type { FileOrigin, Instruction } from "./step.ts";

/** What a step says; undefined for what is no step of its own. */
export function stepLabel(instruction: Instruction): string | undefined {
  switch (instruction.kind) {
    case "from": {
      const { base } = instruction;
      return `FROM ${typeof base === "string" ? base : isSource(base) ? base.identifier : "stage"}`;
    }
    case "copy": {
      const { op, from } = instruction;
      const origin = originText(from);
      return [
        op.instruction,
        ...(origin === undefined ? [] : [`--from=${origin}`]),
        ...(op.owner === undefined ? [] : [`--chown=${ownerText(op.owner)}`]),
        ...op.sources,
        ...op.inline.map(({ name }) => `<<${name}`),
        op.destination,
      ].join(" ");
    }
    case "run":
      return `RUN ${commandText(instruction.op.command)}`;
    case "workdir":
      return `WORKDIR ${instruction.path}`;
    case "config":
      return changeText(instruction.change);
    case "squash":
      return "SQUASH";
    default:
      return undefined;
  }
}

function originText(from: string | FileOrigin | undefined): string | undefined {
  if (from === undefined || typeof from === "string") return from;
  if (isContext(from)) return from.name ?? from.path;
  // An image is known by its stage's own steps.
  return isSource(from) ? from.identifier : undefined;
}

function commandText(command: Command): string {
  return command.form === "shell" ? command.script : JSON.stringify(command.args);
}

function changeText(change: ConfigChange): string {
  switch (change.kind) {
    case "env":
      return `ENV ${pairsText(change.variables)}`;
    case "arg":
      return `ARG ${change.variables.map(({ name }) => name).join(" ")}`;
    case "label":
      return `LABEL ${pairsText(change.labels)}`;
    case "annotation":
      return `ANNOTATION ${pairsText(change.annotations)}`;
    case "workdir":
      return `WORKDIR ${change.path}`;
    case "user":
      return `USER ${change.user}`;
    case "expose":
      return `EXPOSE ${change.ports.join(" ")}`;
    case "volume":
      return `VOLUME ${change.paths.join(" ")}`;
    case "entrypoint":
      return `ENTRYPOINT ${commandText(change.command)}`;
    case "cmd":
      return `CMD ${commandText(change.command)}`;
    case "shell":
      return `SHELL ${JSON.stringify(change.shell)}`;
    case "healthcheck":
      return `HEALTHCHECK ${
        change.healthcheck.kind === "none" ? "NONE" : commandText(change.healthcheck.command)
      }`;
    case "stop-signal":
      return `STOPSIGNAL ${change.signal}`;
    case "onbuild":
      return `ONBUILD ${change.instruction}`;
    case "author":
      return `MAINTAINER ${change.author}`;
  }
}

function pairsText(pairs: readonly { readonly name: string; readonly value: string }[]): string {
  return pairs.map(({ name, value }) => `${name}=${value}`).join(" ");
}
