/** The contract of executors, for runc: as a user with a range of ids. */
import { contractAsUser } from "../support/contract_as_user.ts";

contractAsUser("executor_runc_test.ts", "subordinate-ids");
