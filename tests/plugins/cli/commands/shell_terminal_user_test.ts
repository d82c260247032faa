/** A shell in a failed step on a real terminal: as a user. */
import { contractAsUser } from "../../../support/contract_as_user.ts";

contractAsUser("../plugins/cli/commands/shell_terminal_test.ts");
