/** The contract of executors, for oci with runc: as a user. */
import { contractAsUser } from "../support/contract_as_user.ts";

contractAsUser("executor_runc_test.ts");
