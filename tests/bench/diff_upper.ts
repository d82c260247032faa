/**
 * Makes a layer of what is in a directory, as after a step whose upper directory it was: no runtime, no overlay.
 * Arguments: the directory, the tar to write.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeLayer } from "../../core/layer/mod.ts";
import { Stubs } from "../../plugins/runtime/stub_layer.ts";
import { scanUpper } from "../../plugins/runtime/upper_layer.ts";

const [upper = "", tar = ""] = process.argv.slice(2);
const below = mkdtempSync(join(tmpdir(), "lw-bench-below-"));
try {
  const { entries } = scanUpper({ upper, below, stubs: new Stubs([]), epochSeconds: 0 });
  process.stdout.write(`${writeLayer(entries, tar, { epochSeconds: 0 }).diffId}\n`);
} finally {
  rmSync(below, { recursive: true });
}
