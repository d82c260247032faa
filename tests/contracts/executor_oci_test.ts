/** The contract of executors, for oci: as whoever runs this. */
import { ociExecutor } from "../../plugins/runtime/mod.ts";
import { surroundingsOf } from "../support/executor_surroundings.ts";
import { executorContract } from "./executor_contract.ts";

const executor = ociExecutor();
executorContract(executor, await surroundingsOf(executor));
