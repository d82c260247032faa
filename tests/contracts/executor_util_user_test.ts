/** The contract of executors, for util: as a user. */
import { contractAsUser } from "../support/contract_as_user.ts";

contractAsUser("executor_util_test.ts");
