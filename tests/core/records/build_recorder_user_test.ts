/** What a store remembers of builds: as a user. */
import { contractAsUser } from "../../support/contract_as_user.ts";

contractAsUser("../core/records/build_recorder_test.ts");
