/** Looking around in builds without a terminal: as a user. */
import { contractAsUser } from "../../../support/contract_as_user.ts";

contractAsUser("../plugins/cli/commands/shell_test.ts");
