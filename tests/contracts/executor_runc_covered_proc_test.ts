/** The contract of executors, for runc: as a user where no new /proc can be mounted. */
import { contractAsUser } from "../support/contract_as_user.ts";

contractAsUser("executor_runc_test.ts", "covered-proc");
