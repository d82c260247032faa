/** Mounts of steps, secrets, agents and caches: as users. */
import { contractAsUser } from "../../support/contract_as_user.ts";

for (
  const file of [
    "execute/run_mounts_test.ts",
    "execute/secrets_test.ts",
    "execute/ssh_agents_test.ts",
    "upkeep/cache_mounts_test.ts",
  ]
) contractAsUser(`../core/${file}`, "subordinate-ids");
// With one id only.
contractAsUser("../core/execute/secrets_test.ts");
contractAsUser("../core/upkeep/cache_mounts_test.ts");
