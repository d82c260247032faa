/** Layers of whatever system calls: as a user. */
import { contractAsUser } from "../support/contract_as_user.ts";

contractAsUser("executor_operations_test.ts");
