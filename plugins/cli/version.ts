/** The version of this package, as in package.json (which not every form of distribution carries along). */
export const VERSION: string = "0.1.0";

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
