/** The contract of executors, for remote over a pipe: as a user. */
import { contractAsUser } from "../support/contract_as_user.ts";

contractAsUser("executor_remote_test.ts");
