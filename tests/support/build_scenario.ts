/**
 * A child process that builds a scenario and then waits to be ended.
 * Arguments: home of the store, build context, the scenario as JSON.
 */
import process from "node:process";
import { createEngine, defaultPlugins } from "../../mod.ts";
import { type Scenario, scenarioImage } from "./cache_scenario.ts";

const [home = "", contextDirectory = "", json = ""] = process.argv.slice(2);
const scenario = JSON.parse(json) as Scenario;
const engine = createEngine({ plugins: defaultPlugins, home });
process.stdout.write("ready\n");
const { buildArgs } = scenario;
await engine.build(scenarioImage(scenario), {
  contextDirectory,
  progress: "none",
  epochSeconds: 0,
  buildArgs,
});
setInterval(() => {}, 1000);
