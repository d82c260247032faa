/** The contract of executors, for oci: as a user with a range of ids. */
import { contractAsUser } from "../support/contract_as_user.ts";

contractAsUser("executor_oci_test.ts", "subordinate-ids");
