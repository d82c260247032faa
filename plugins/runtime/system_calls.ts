/**
 * The system calls that a worker cannot do without.
 *
 * @module
 */
import { LayerwrightError } from "../../core/errors.ts";
import { host, type SystemCalls } from "../../core/host/mod.ts";

/**
 * mount(2) and the others through this runtime's FFI.
 *
 * @throws {LayerwrightError} `HOST_UNSUPPORTED` where they cannot be bound. The probe says so first.
 */
export function systemCalls(): SystemCalls {
  const calls = host.systemCalls();
  if (calls === undefined) {
    throw new LayerwrightError(
      "HOST_UNSUPPORTED",
      "Cannot run a step: no system calls through FFI here",
      { hint: "use Linux with glibc (and, under Deno, --allow-ffi)" },
    );
  }
  return calls;
}
