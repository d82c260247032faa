/**
 * Walks the directory named by its argument and prints what it found as JSON: for tests that need a walk under
 * another user, or with mounts of its own.
 *
 * @module
 */
import { contentDigest } from "../../../core/context/content_digest.ts";
import { parseIgnorePatterns } from "../../../core/context/ignore.ts";
import { walkContext } from "../../../core/context/walk.ts";
import { LayerwrightError } from "../../../core/errors.ts";
import { ContentReader } from "../../../core/layer/file_content.ts";

const [root = ".", ...patterns] = process.argv.slice(2);
try {
  using reader = new ContentReader();
  const { entries } = walkContext(root, { ignore: parseIgnorePatterns(patterns) });
  for (const entry of entries) if (entry.type === "file") contentDigest(entry, reader);
  process.stdout.write(JSON.stringify({ paths: entries.map(({ path }) => path) }));
} catch (error) {
  if (!(error instanceof LayerwrightError)) throw error;
  process.stdout.write(JSON.stringify({ code: error.code, text: error.format() }));
}
