/** Freeing disk space, as a user whose steps make files of subordinate ids, and as one who has a single id. */
import { contractAsUser } from "../../support/contract_as_user.ts";

contractAsUser("../core/upkeep/prune_test.ts", "subordinate-ids");
contractAsUser("../core/upkeep/prune_test.ts");
