/**
 * The system calls that a worker cannot do without.
 *
 * @module
 */
import { host, type SystemCalls } from "../../core/host/mod.ts";
import { systemCallsByTools } from "./system_tools.ts";

/**
 * mount(2) and the others: through this runtime's FFI, else, from then on in all of this process, through programs. The
 * probe says first whether there is either.
 */
export function systemCalls(): SystemCalls {
  const calls = host.systemCalls();
  if (calls !== undefined) return calls;
  const byTools = systemCallsByTools();
  host.useSystemCalls(byTools);
  return byTools;
}
