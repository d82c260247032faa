import { programPath } from "../../support/program_path.ts";
import { SYSTEM_TOOLS, systemCallsByTools } from "../../../plugins/runtime/system_tools.ts";
import { systemCallsContract } from "../../contracts/system_calls_contract.ts";

const missing = Object.keys(SYSTEM_TOOLS).filter((name) => programPath(name) === undefined);
const reason = missing.length === 0 ? undefined : `needs ${missing.join(", ")}`;

systemCallsContract("programs", systemCallsByTools(), reason);
