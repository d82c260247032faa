/** The contract of executors, for util: as a user with a range of ids. */
import { contractAsUser } from "../support/contract_as_user.ts";

contractAsUser("executor_util_test.ts", "subordinate-ids");
