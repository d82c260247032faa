/** The contract of executors, for oci: as a user where no new /proc can be mounted. */
import { contractAsUser } from "../support/contract_as_user.ts";

contractAsUser("executor_oci_test.ts", "covered-proc");
