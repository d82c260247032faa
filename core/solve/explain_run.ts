/**
 * Differences of RUN steps in words: command, environment, mounts.
 *
 * @module
 */
import type { Explainer, InputDifference } from "./explain.ts";
import { firstDifference, isEqualJson } from "./first_difference.ts";
import { HIDDEN, isSecretName, shownChange, shownValue } from "./shown_value.ts";

/** Of a command in shell form, the script differs, or the shell. */
export const explainCommand: Explainer = (before, after) => {
  const [old, now] = [strings(before), strings(after)];
  const [oldScript = "", script = ""] = [old.at(-1), now.at(-1)];
  const sameShell = old.length === now.length && isEqualJson(old.slice(0, -1), now.slice(0, -1));
  if (sameShell) {
    const bare = (text: string): string => text.replace(/\s+/g, "");
    const how = bare(oldScript) === bare(script)
      ? "command changed in white space"
      : "command changed";
    return { path: "", before: old, after: now, text: `${how}: ${shownChange(oldScript, script)}` };
  }
  const text = oldScript === script && old.length > 1 && now.length > 1
    ? `shell changed: ${shownChange(old.slice(0, -1), now.slice(0, -1))}`
    : `command changed: ${shownChange(old.join(" "), now.join(" "))}`;
  return { path: "", before: old, after: now, text };
};

/** Variables by name; values of those that sound like secrets are not shown. */
export const explainEnvironment: Explainer = (before, after, terms) => {
  const [old, now] = [variables(before), variables(after)];
  for (const name of new Set([...now.keys(), ...old.keys()])) {
    const [was, is] = [old.get(name), now.get(name)];
    if (was === is) continue;
    const noun = terms.buildArguments?.has(name) === true
      ? "ARG"
      : is === undefined
      ? "variable"
      : "ENV";
    const hide = isSecretName(name);
    const show = (value: string): string => hide ? HIDDEN : shownValue(value);
    const text = was === undefined
      ? `${noun} ${name} is new: ${show(is ?? "")}`
      : is === undefined
      ? `${noun} ${name} is gone: was ${show(was)}`
      : `${noun} ${name} changed: ${hide ? HIDDEN : shownChange(was, is)}`;
    return {
      path: name,
      ...was === undefined ? {} : { before: hide ? HIDDEN : was },
      ...is === undefined ? {} : { after: hide ? HIDDEN : is },
      text,
    };
  }
  const names = [[...old.keys()], [...now.keys()]] as const;
  return {
    path: "order",
    before: names[0],
    after: names[1],
    text: `order of variables changed: ${shownChange(names[0].join(" "), names[1].join(" "))}`,
  };
};

/** Mounts by where they are. */
export const explainMounts: Explainer = (before, after) => {
  const [old, now] = [mounts(before), mounts(after)];
  for (const target of new Set([...now.keys(), ...old.keys()])) {
    const [was, is] = [old.get(target), now.get(target)];
    const found = explainMount(target, was, is);
    if (found !== undefined) return found;
  }
  return undefined;
};

function explainMount(target: string, was: unknown, is: unknown): InputDifference | undefined {
  const type = (mount: unknown): string => String(Object(mount).type);
  if (was === undefined) {
    return { path: target, after: is, text: `${type(is)} mount at "${target}" is new` };
  }
  if (is === undefined) {
    return { path: target, before: was, text: `${type(was)} mount at "${target}" is gone` };
  }
  const difference = firstDifference(was, is);
  if (difference === undefined) return undefined;
  const { path, before, after } = difference;
  // Only a digest of it is known, which is nobody's business.
  if (path === "valueDigest") {
    const name = JSON.stringify(Object(is).id);
    return { path: `${target}.value`, text: `secret ${name} ${changeOf(before, after)}` };
  }
  return {
    path: `${target}.${path}`,
    before,
    after,
    text: `mount at "${target}": ${path} changed: ${shownChange(before, after)}`,
  };
}

/** Hosts by name; a name may have several addresses. */
export const explainHosts: Explainer = (before, after) =>
  explainNamed("host", addresses(before), addresses(after));

/** Limits by name, as `soft:hard`. */
export const explainUlimits: Explainer = (before, after) =>
  explainNamed("ulimit", limits(before), limits(after));

function explainNamed(
  noun: string,
  old: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): InputDifference | undefined {
  for (const name of new Set([...now.keys(), ...old.keys()])) {
    const [was, is] = [old.get(name), now.get(name)];
    if (was === is) continue;
    const text = was === undefined
      ? `${noun} ${name} is new: ${is}`
      : is === undefined
      ? `${noun} ${name} is gone: was ${was}`
      : `${noun} ${name} changed: ${was} → ${is}`;
    return {
      path: name,
      ...was === undefined ? {} : { before: was },
      ...is === undefined ? {} : { after: is },
      text,
    };
  }
  return undefined;
}

function addresses(value: unknown): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of Array.isArray(value) ? value : []) {
    const { name, address } = Object(entry);
    const earlier = found.get(String(name));
    found.set(String(name), earlier === undefined ? String(address) : `${earlier} ${address}`);
  }
  return found;
}

function limits(value: unknown): Map<string, string> {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return new Map(
    list.map(Object).map(({ name, soft, hard }) => [String(name), `${soft}:${hard}`]),
  );
}

function changeOf(before: unknown, after: unknown): string {
  if (before === undefined) return "is there now";
  return after === undefined ? "is gone" : "changed";
}

function mounts(value: unknown): Map<string, unknown> {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return new Map(list.map((mount) => [String(Object(mount).target ?? Object(mount).id), mount]));
}

function variables(value: unknown): Map<string, string> {
  return new Map(
    strings(value).map((text) => {
      const equals = text.indexOf("=");
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
