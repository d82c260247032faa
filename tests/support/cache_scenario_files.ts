/**
 * The context of a scenario, on disk.
 *
 * @module
 */
import { chmodSync, mkdirSync, rmdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Edit, Scenario, ScenarioFile } from "./cache_scenario.ts";

/** All files of the context, that of its ignore rules among them. */
export function contextFiles({ files, ignore }: Scenario): Readonly<Record<string, ScenarioFile>> {
  if (ignore.length === 0) return files;
  return { ...files, ".dockerignore": { text: `${ignore.join("\n")}\n`, mode: 0o644 } };
}

/** Makes a folder what a scenario says, touching only what differs from the one before. */
export function writeScenario(folder: string, scenario: Scenario, before?: Scenario): void {
  const [files, old] = [contextFiles(scenario), before === undefined ? {} : contextFiles(before)];
  for (const gone of Object.keys(old)) {
    if (files[gone] !== undefined) continue;
    rmSync(join(folder, gone));
    removeEmptyParents(folder, gone);
  }
  for (const [name, { text, mode }] of Object.entries(files)) {
    const target = join(folder, name);
    for (let at = name.indexOf("/"); at !== -1; at = name.indexOf("/", at + 1)) {
      mkdirSync(join(folder, name.slice(0, at)), { recursive: true });
      chmodSync(join(folder, name.slice(0, at)), 0o755);
    }
    if (old[name]?.text !== text) writeFileSync(target, text);
    if (old[name]?.mode !== mode || old[name]?.text !== text) chmodSync(target, mode);
  }
}

/** Gives the file that an edit means another modification time. */
export function touchFile(folder: string, { files }: Scenario, change: Edit): void {
  if (change.kind !== "touch") return;
  const name = Object.keys(files).sort().at(change.file % Math.max(1, Object.keys(files).length));
  if (name !== undefined) utimesSync(join(folder, name), change.seconds, change.seconds);
}

function removeEmptyParents(folder: string, path: string): void {
  for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
    try {
      rmdirSync(join(folder, parent));
    } catch {
      return;
    }
  }
}
