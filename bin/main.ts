/** What the launcher runs: `main()` of the package, but for loading the package only when it is needed. */
import { engineOnDemand, runMain } from "../plugins/cli/main.ts";

// Deno reads all that a program may import by a literal before it runs any of it; by a name, when it is imported.
const PACKAGE: string = "../mod.ts";

const engine = engineOnDemand(async () => {
  const { defaultEngine }: typeof import("../mod.ts") = await import(PACKAGE);
  return defaultEngine();
});
process.exitCode = await runMain(process.argv.slice(2), engine);
