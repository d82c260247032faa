/**
 * Prints the digests of all golden images as they are now: `bun tests/support/print_golden_images.ts >
 * tests/golden/image_digests.json` after a change that is meant to move some.
 */
import process from "node:process";
import { GOLDEN_IMAGES, goldenDigests, type ImageDigests } from "./golden_images.ts";

const table: Record<string, ImageDigests> = {};
for (const name of Object.keys(GOLDEN_IMAGES)) table[name] = await goldenDigests(name);
process.stdout.write(`${JSON.stringify(table, undefined, 2)}\n`);
