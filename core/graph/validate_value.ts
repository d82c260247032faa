/**
 * What can be wrong with the values that several operations share.
 *
 * @module
 */
import type { Problem } from "./diagnostic.ts";
import type { Command, ModePolicy, OwnerSpec } from "./op.ts";

/** The largest id: -1 as an unsigned number means "no id" to chown(2). */
const ID_LIMIT = 0xffff_fffe;

/** Whether an environment variable can have this name. */
export function isName(name: string): boolean {
  return name !== "" && !name.includes("=");
}

/** Whether a number can be a user or group id. */
export function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= ID_LIMIT;
}

/** `user[:group]`, as in the image config. */
export function userProblems(user: string): Problem[] {
  const parts = user.split(":");
  if (parts.length <= 2 && parts.every(isAccount)) return [];
  return [{
    code: "USER_INVALID",
    message: `Cannot use user ${JSON.stringify(user)}: not "user" or "user:group"`,
  }];
}

/** Who gets files. */
export function ownerProblems({ user, group }: OwnerSpec): Problem[] {
  const parts = group === undefined ? [user] : [user, group];
  return parts.filter((part) => !isAccount(part) || part.includes(":")).map((part) => ({
    code: "OWNER_INVALID",
    message: `Cannot give files to ${
      JSON.stringify(part)
    }: not a name or number of a user or group`,
  }));
}

function isAccount(part: string): boolean {
  if (/^\d+$/.test(part)) return isId(Number(part));
  return part !== "" && !/[\n:]/.test(part);
}

/** `0750`, `u=rwX,go=rX`. */
export function modeProblems(mode: ModePolicy): Problem[] {
  if (mode.kind !== "chmod") return [];
  const { spec } = mode;
  const octal = /^[0-7]+$/.test(spec) && Number.parseInt(spec, 8) <= 0o7777;
  const symbolic =
    /^[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+(?:,[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+)*$/.test(spec);
  if (octal || symbolic) return [];
  const message = `Cannot set mode ${
    JSON.stringify(spec)
  }: neither octal (0 to 07777) nor symbolic (u=rwX,go=rX)`;
  return [{ code: "MODE_INVALID", message }];
}

/** Any command: an empty argument vector, which clears an inherited one, is the business of callers. */
export function commandProblems(use: string, command: Command): Problem[] {
  if (command.form === "shell" ? command.script.trim() !== "" : command.args[0] !== "") return [];
  return [{ code: "COMMAND_INVALID", message: `Cannot ${use} "": the command is empty` }];
}
