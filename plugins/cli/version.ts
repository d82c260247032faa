import { VERSION } from "../../core/version.ts";

export { VERSION };

/** Which version runs, and on what. */
export function versionLine(): string {
  const { bun, deno, node }: Readonly<Record<string, string | undefined>> = process.versions;
  const runtime = bun !== undefined
    ? `bun ${bun}`
    : deno !== undefined
    ? `deno ${deno}`
    : `node ${node}`;
  return `layerwright ${VERSION} (${runtime})\n`;
}
