/**
 * The signals that STOPSIGNAL may name.
 *
 * @see signal(7); github.com/moby/sys/signal
 * @module
 */

const NAMES: ReadonlySet<string> = new Set(
  ("ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM " +
    "TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX").split(" "),
);

/** Whether a text is a signal: `SIGTERM`, `term`, `15`, `SIGRTMIN+3`. */
export function isSignal(text: string): boolean {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= 64;
  const name = text.toUpperCase().replace(/^SIG/, "");
  const offset = /^(?:RTMIN\+(\d+)|RTMAX-(\d+))$/.exec(name);
  if (offset === null) return NAMES.has(name);
  const [, above, below] = offset;
  // glibc keeps two of the 33 real-time signals for itself, moby names the rest in two halves.
  return above === undefined ? Number(below) <= 14 : Number(above) <= 15;
}
