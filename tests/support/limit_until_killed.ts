/** Limits a step and prints which groups there are for it; with "wait", goes on until it is killed. */
import { limitStep } from "../../plugins/runtime/cgroups.ts";

const limits = limitStep({ memoryBytes: 64 << 20, pids: 10 });
process.stdout.write(`${JSON.stringify(limits.entrances)}\n`);
if (process.argv.includes("wait")) await new Promise((resolve) => setTimeout(resolve, 60_000));
await limits[Symbol.asyncDispose]();
process.stdout.write("removed\n");
