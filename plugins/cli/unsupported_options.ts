/**
 * Options of `docker build` that mean something we do not do: refused by name, never ignored, since a build
 * without its secret, its policy or its push is not the build that was asked for.
 *
 * @module
 */
import { type Command, Option } from "commander";
import { LayerwrightError } from "../../core/errors.ts";

/** Each option as commander declares it, why it is refused, and what to do instead where there is a way. */
const UNSUPPORTED: readonly (readonly [flags: string, why: string, hint?: string])[] = [
  ["--attest <attestation>", "attestations are not written"],
  [
    "--build-context <context>",
    "named contexts come from the recipe",
    'use context("dir", { name }) there',
  ],
  ["--cache-from <source>", "the cache is the local store"],
  ["--cache-to <destination>", "the cache is the local store"],
  ["--call <method>", "there are no build checks for recipes"],
  ["--cgroup-parent <cgroup>", "steps run in the caller's control group"],
  ["--check", "there are no build checks for recipes"],
  [
    "--load",
    "there is no daemon to load into",
    'use "--output type=docker" and pipe it into "docker load"',
  ],
  ["--policy <policy>", "source policies are not read"],
  ["--provenance [mode]", "attestations are not written"],
  ["--pull", "base images are not looked up anew on request"],
  [
    "--push",
    "images are not pushed by a build",
    'use "--output type=oci,dest=app.tar" and a client that pushes',
  ],
  ["--sbom [mode]", "attestations are not written"],
];

/** Declares the refused options on a command: hidden, so that neither help nor suggestions offer them. */
export function refuseUnsupportedOptions(command: Command): void {
  for (const [flags, why, hint] of UNSUPPORTED) {
    const option = new Option(flags).hideHelp();
    command.addOption(option);
    command.on(`option:${option.name()}`, () => {
      throw new LayerwrightError(
        "OPTION_INVALID",
        `Cannot use --${option.name()}: not supported yet: ${why}`,
        { hint: hint ?? "leave it out" },
      );
    });
  }
}
