/**
 * Signals that ask us to stop.
 *
 * @module
 */

// Not SIGHUP: a listener would undo what nohup asked for.
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGINT: 2, SIGTERM: 15 };

/** A signal's listeners and the abort signal they fire. */
export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Turns the first SIGINT or SIGTERM into an abort, so that steps are stopped and nothing half-done is
 * left; the second meets the system's default and ends the process at once.
 */
export function listenForInterrupt(): Interrupt {
  const controller = new AbortController();
  const listeners = Object.keys(SIGNAL_NUMBERS).map((name) => {
    const listener = (): void => {
      stop();
      controller.abort(name);
    };
    process.on(name, listener);
    return { name, listener };
  });
  function stop(): void {
    for (const { name, listener } of listeners) process.off(name, listener);
  }
  return { signal: controller.signal, [Symbol.dispose]: stop };
}

/** The exit code of a command that a signal ended: 128 and the signal's number, as shells count. */
export function interruptExitCode(signal: AbortSignal): number {
  return 128 + (SIGNAL_NUMBERS[String(signal.reason)] ?? 2);
}
