/** The contract of executors, for remote over a pipe: as whoever runs this. */
import {
  nearbyRemote,
  REMOTE_EXCEPTIONS,
  remoteSurroundings,
  workerCommand,
} from "../support/remote_worker.ts";
import { executorContract } from "./executor_contract.ts";

executorContract(nearbyRemote((home) => workerCommand(home)), {
  ...await remoteSurroundings(),
  exceptions: REMOTE_EXCEPTIONS,
});
