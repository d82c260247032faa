/** The contract of executors, for oci: as a user. */
import { contractAsUser } from "../support/contract_as_user.ts";

contractAsUser("executor_oci_test.ts");
