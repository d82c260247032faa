/**
 * Runs one step through a worker and prints what it prints, until somebody ends this process. Arguments: home of the
 * worker's store, script. Runs as a program of its own.
 *
 * @module
 */
import { nearbyRemote, workerCommand } from "./remote_worker.ts";
import { openStepFixture } from "./step_fixture.ts";

const [home = "", script = ""] = process.argv.slice(2);
await using fixture = await openStepFixture(nearbyRemote(() => workerCommand(home)));
await fixture.run(script, { onOutput: (text) => void process.stdout.write(text) });
