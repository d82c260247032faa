/**
 * `--secret` and `--ssh`: what steps get that must not be kept.
 *
 * @see buildx, `docker buildx build --secret`, `--ssh`; BuildKit, session/secrets/secretsprovider/store.go
 * @module
 */
import type { Command } from "commander";
import { resolve } from "node:path";
import { LayerwrightError } from "../../core/errors.ts";
import {
  nearestName,
  type SecretSource,
  type SshSource,
  type StepOptions,
} from "../../core/mod.ts";
import type { CliIo } from "./command.ts";
import { splitCommaFields } from "./comma_fields.ts";
import { collect } from "./key_value_options.ts";

/** The options as commander gives them. */
export interface SecretFlags {
  readonly secret?: readonly string[];
  readonly ssh?: readonly string[];
}

/** What the options depend on besides themselves. */
type Surroundings = Pick<CliIo, "environment" | "workingDirectory">;

const SECRET_KEYS = ["id", "src", "source", "env", "type"];

/** Declares the options. */
export function addSecretOptions(command: Command): void {
  command
    .option(
      "--secret <secret>",
      "give steps a secret: id=token,src=FILE or id=token,env=VARIABLE",
      collect,
    )
    .option(
      "--ssh <agent>",
      "give steps an SSH agent: default, or id=SOCKET, or id=KEY,KEY",
      collect,
    );
}

/**
 * Reads the options.
 *
 * @throws {LayerwrightError} `OPTION_INVALID` with what is wrong; values are not looked at yet.
 */
export function readSecretOptions(
  flags: SecretFlags,
  io: Surroundings,
): Pick<StepOptions, "secrets" | "ssh"> {
  const secrets = (flags.secret ?? []).map((text) => parseSecret(text, io));
  const ssh = (flags.ssh ?? []).map((text) => parseSsh(text, io));
  return {
    ...secrets.length === 0 ? {} : { secrets },
    ...ssh.length === 0 ? {} : { ssh },
  };
}

/**
 * Reads one `--secret`. With an id alone it comes from the variable of that name if there is one, else from the file of
 * that name; `type=env` makes `src` the name of a variable.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseSecret } from "./secret_options.ts";
 * const io = { environment: { TOKEN: "x" }, workingDirectory: "/work" };
 * assert.deepEqual(parseSecret("id=TOKEN", io), { id: "TOKEN", env: "TOKEN" });
 * assert.deepEqual(parseSecret("id=token,src=t.txt", io), { id: "token", src: "/work/t.txt" });
 * ```
 */
export function parseSecret(
  text: string,
  { environment, workingDirectory }: Surroundings,
): SecretSource {
  const fields = new Map<string, string>();
  for (const field of splitCommaFields(text)) {
    const equals = field.indexOf("=");
    const key = field.slice(0, Math.max(equals, 0)).toLowerCase();
    if (equals < 0) {
      throw invalid("--secret", text, `${JSON.stringify(field)} is no key=value`, SECRET_HINT);
    }
    if (!SECRET_KEYS.includes(key)) {
      const nearest = nearestName(key, SECRET_KEYS);
      const meant = nearest === undefined ? "" : `, did you mean "${nearest}"?`;
      throw invalid("--secret", text, `unknown key ${JSON.stringify(key)}${meant}`, SECRET_HINT);
    }
    fields.set(key === "source" ? "src" : key, field.slice(equals + 1));
  }
  const [id, type] = [fields.get("id") ?? "", fields.get("type")];
  let [src = "", env = ""] = [fields.get("src"), fields.get("env")];
  if (id === "") throw invalid("--secret", text, "it has no id", SECRET_HINT);
  if (type !== undefined && type !== "file" && type !== "env") {
    throw invalid("--secret", text, `unknown type ${JSON.stringify(type)}`, "make it file or env");
  }
  if (type === "env" && env === "") [src, env] = ["", src];
  if (src !== "" && env !== "") {
    throw invalid("--secret", text, "it has a file and a variable", "give one of src and env");
  }
  const hasVariable = environment[id] !== undefined;
  if (src === "" && env === "") [src, env] = hasVariable && type !== "file" ? ["", id] : [id, ""];
  return env === "" ? { id, src: resolve(workingDirectory, src) } : { id, env };
}

const SECRET_HINT = "write --secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE";

/** Reads one `--ssh`: an id alone is the agent of `SSH_AUTH_SOCK`. */
export function parseSsh(text: string, { workingDirectory }: Surroundings): SshSource {
  const equals = text.indexOf("=");
  const id = equals < 0 ? text : text.slice(0, equals);
  const hint = "write --ssh default, --ssh NAME=SOCKET or --ssh NAME=KEY,KEY";
  if (id === "") throw invalid("--ssh", text, "it has no id", hint);
  if (equals < 0) return { id };
  const paths = text.slice(equals + 1).split(",");
  if (paths.includes("")) throw invalid("--ssh", text, "a path is empty", hint);
  return { id, paths: paths.map((path) => resolve(workingDirectory, path)) };
}

/** Shows the option as it was given: it names secrets, and holds none. */
function invalid(option: string, text: string, why: string, hint: string): LayerwrightError {
  return new LayerwrightError(
    "OPTION_INVALID",
    `Cannot use ${option} ${JSON.stringify(text)}: ${why}`,
    { hint },
  );
}
