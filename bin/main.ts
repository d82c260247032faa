/** What the launcher runs. */
import { main } from "../mod.ts";

process.exitCode = await main(process.argv.slice(2));
