/**
 * Compresses a file on one thread: the encoder alone, against programs that do the same.
 * Arguments: the file, the level.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { DEFLATE_INPUT_LIMIT_BYTES, deflater } from "../../core/layer/deflate/deflater.ts";
import type { DeflateLevel } from "../../core/layer/deflate/deflater.ts";
import { crc32 } from "../../core/layer/gzip.ts";

const [path = "", level = "1"] = process.argv.slice(2);
const { input, deflate } = deflater();
const fd = openSync(path, "r");
let [crc, bytes] = [0, 0];
for (;;) {
  const length = readSync(fd, input, 0, DEFLATE_INPUT_LIMIT_BYTES / 2, null);
  if (length === 0) break;
  crc = crc32(input.subarray(0, length), crc);
  bytes += deflate(length, Number(level) as DeflateLevel).length;
}
closeSync(fd);
process.stdout.write(`${bytes}\n`);
