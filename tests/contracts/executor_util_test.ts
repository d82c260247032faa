/** The contract of executors, for util: as whoever runs this. */
import { utilExecutor } from "../../plugins/runtime/mod.ts";
import { surroundingsOf } from "../support/executor_surroundings.ts";
import { executorContract } from "./executor_contract.ts";

const executor = utilExecutor();
executorContract(executor, await surroundingsOf(executor));
