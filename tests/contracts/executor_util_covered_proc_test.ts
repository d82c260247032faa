/** The contract of executors, for util: as a user where no new /proc can be mounted. */
import { contractAsUser } from "../support/contract_as_user.ts";

contractAsUser("executor_util_test.ts", "covered-proc");
