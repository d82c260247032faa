import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import type { CliContext } from "../../../plugins/cli/command.ts";
import { outline } from "../../../plugins/cli/command_line.ts";
import { builtInVerbs } from "../../../plugins/cli/verbs.ts";

test("builtInVerbs say of each verb what it says of itself", async () => {
  const listed = (program: Command): string =>
    program.configureHelp({ helpWidth: 200 }).helpInformation();
  for (const verb of builtInVerbs) {
    const whole = new Command("layerwright");
    (await verb.load()).register(whole, {} as CliContext);
    const outlined = new Command("layerwright");
    outline(outlined, verb);
    assert.equal(whole.commands.length, 1);
    assert.equal(whole.commands[0]?.name(), verb.name);
    assert.equal(listed(outlined), listed(whole));
    assert.match(listed(whole), new RegExp(`^  ${verb.name} .*${verb.description}$`, "m"));
  }
});
