/**
 * Processes of this machine, and waiting for what they do.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 20_000;

/** Command lines that have a text in them. */
export function processesWith(text: string): string[] {
  return readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name)).flatMap((pid) => {
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return commandLine.includes(text) ? [commandLine] : [];
    } catch {
      return [];
    }
  });
}

/** Waits for something that another process brings about. @throws when it does not come true. */
export async function until(what: string, isTrue: () => boolean): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !isTrue(); await sleep(10)) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
  }
}
