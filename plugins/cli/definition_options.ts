/**
 * The options that say *what* is built: shared by every verb that starts from a recipe.
 *
 * @module
 */
import { type Command, Option } from "commander";
import { LayerwrightError } from "../../core/errors.ts";
import type { BuildOptions } from "../../core/mod.ts";
import { chooseImage, type ChosenImage } from "./choose_image.ts";
import type { CliIo } from "./command.ts";
import { splitCommaFields } from "./comma_fields.ts";
import { findRecipe } from "./find_recipe.ts";
import { collect, parseAnnotations, parseBuildArgs, parseLabels } from "./key_value_options.ts";
import { loadRecipe, watchedArguments } from "./load_recipe.ts";
import { addSecretOptions, readSecretOptions, type SecretFlags } from "./secret_options.ts";
import { addStepOptions, readStepOptions, type StepFlags } from "./step_options.ts";
import { refuseUnsupportedOptions } from "./unsupported_options.ts";

/** The options as commander gives them. */
export interface DefinitionFlags extends SecretFlags, StepFlags {
  readonly file?: string;
  readonly context?: string;
  readonly target?: string;
  readonly buildArg?: readonly string[];
  readonly platform?: string;
  readonly label?: readonly string[];
  readonly annotation?: readonly string[];
  /** False with `--no-cache`. */
  readonly cache: boolean;
  readonly noCacheFilter?: readonly string[];
  readonly paranoid?: true;
}

/** A recipe's image and what the engine is to know about it. */
export interface Definition extends ChosenImage {
  readonly options: BuildOptions;
}

/** Declares the operand and the options. */
export function addDefinitionOptions(command: Command): void {
  command
    .argument("[recipe|dir]", "a recipe, or a folder that holds a layerwright.ts")
    .option("-f, --file <recipe>", "the recipe, where it is not the folder's layerwright.ts")
    .option("--context <dir>", "the build context (default: the folder named, else this one)")
    .option("--target <name>", "an image of the recipe, a stage of it, or image:stage")
    .option(
      "--build-arg <key[=value]>",
      "set a build argument (value: from the environment)",
      collect,
    )
    .option("--platform <platform>", "build for this platform, such as linux/arm64")
    .option("--label <key=value>", "add a label to the image", collect)
    .option("--annotation <key=value>", "add an annotation to the manifest", collect)
    .option("--no-cache", "run every step");
  const filter = new Option("--no-cache-filter <stages>", "run every step of these stages")
    .argParser(collect);
  // It takes a value: not the opposite of a "--cache-filter", which commander makes of every "--no-".
  filter.negate = false;
  command.addOption(filter)
    .option("--paranoid", "read every file of the build context, unchanged or not");
  addSecretOptions(command);
  addStepOptions(command);
  refuseUnsupportedOptions(command);
}

/**
 * Finds and loads the recipe, and reads the options.
 *
 * @throws {LayerwrightError} as {@link findRecipe}, {@link loadRecipe} and {@link chooseImage} do; `OPTION_INVALID`.
 */
export async function readDefinition(
  operand: string | undefined,
  flags: DefinitionFlags,
  io: CliIo,
): Promise<Definition> {
  const { environment, workingDirectory } = io;
  const buildArgs = parseBuildArgs(flags.buildArg ?? [], environment);
  const labels = parseLabels(flags.label ?? []);
  const annotations = parseAnnotations(flags.annotation ?? []);
  const noCacheFilter = (flags.noCacheFilter ?? []).flatMap(splitCommaFields);
  const platform = flags.platform === undefined ? {} : { platform: onePlatform(flags.platform) };
  const stepOptions = { ...readStepOptions(flags), ...readSecretOptions(flags, io) };
  const { file, context } = flags;
  const found = findRecipe({ operand, file, context, workingDirectory });
  const { buildArgs: watched, read } = watchedArguments(buildArgs);
  const loading = loadRecipe(found.file, {
    arguments: { buildArgs: watched, ...platform },
    workingDirectory,
  });
  const recipe = await Promise.race([loading, interrupted(io.interrupt)]);
  const choice = chooseImage(recipe, flags.target);
  return {
    ...choice,
    options: {
      contextDirectory: found.contextDirectory,
      ...platform,
      ...choice.stage === undefined ? {} : { target: choice.stage },
      buildArgs,
      readArgs: read,
      labels,
      annotations,
      noCache: !flags.cache,
      noCacheFilter,
      ...stepOptions,
      ...flags.paranoid === undefined ? {} : { paranoid: true },
      ...io.interrupt === undefined ? {} : { signal: io.interrupt },
    },
  };
}

/** A recipe can wait for ever, and nothing makes it stop: after a signal nobody waits for it any more. */
function interrupted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void =>
      reject(new LayerwrightError("BUILD_CANCELLED", "Cannot go on: the build was cancelled"));
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

function onePlatform(text: string): string {
  if (!text.includes(",")) return text;
  throw new LayerwrightError(
    "OPTION_INVALID",
    `Cannot build for --platform ${
      JSON.stringify(text)
    }: several platforms at once are not supported yet`,
    { hint: "build once for each platform" },
  );
}
