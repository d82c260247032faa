/**
 * Programs on a terminal of their own, typed at by a test.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { programPath } from "./program_path.ts";

/** Why there is no terminal here; undefined when there is one. */
export const noTerminal: string | undefined = programPath("python3") === undefined
  ? "needs python3"
  : undefined;

/** What is done once a text is on the screen, after what the turns before it waited for. */
export interface Turn {
  /** A part of what the program prints; what is typed is printed, too. */
  readonly after: string;
  readonly type?: string;
  /** Columns and rows that the terminal is to have from then on. */
  readonly resize?: readonly [columns: number, rows: number];
  /** Kills the oldest of the processes it started that have this name. */
  readonly kill?: string;
}

/** What came of it. */
export interface TerminalSession {
  readonly output: string;
  readonly exitCode: number;
  /** The terminal had the settings at the end that it had at the beginning. */
  readonly isRestored: boolean;
}

// Python alone makes pseudo terminals with nothing but itself.
const DRIVER = String.raw`
import fcntl, json, os, select, signal, struct, sys, termios, time
order = json.load(sys.stdin)
def size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
def descendants(pid):
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found
def children(pid):
    try:
        threads = os.listdir("/proc/%d/task" % pid)
        return [int(one) for thread in threads for one in open("/proc/%d/task/%s/children" % (pid, thread)).read().split()]
    except OSError:
        return []
def name(pid):
    try:
        return open("/proc/%d/comm" % pid).read().strip()
    except OSError:
        return ""
fd, slave = os.openpty()
size(fd, 80, 24)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for one in range(3):
        os.dup2(slave, one)
    os.closerange(3, 64)
    os.environ.update(order["environment"])
    os.chdir(order["directory"])
    os.execvp(order["command"][0], order["command"])
before = termios.tcgetattr(slave)
output, seen, turns, deadline = b"", 0, order["turns"], time.time() + order["seconds"]
status = None
while True:
    ready = select.select([fd], [], [], 0.05)[0]
    if ready:
        try:
            output += os.read(fd, 65536)
        except OSError:
            pass
    while turns:
        text = turns[0]["after"].encode()
        place = output.find(text, seen)
        if place < 0:
            break
        seen = place + len(text)
        turn = turns.pop(0)
        if "resize" in turn:
            size(fd, *turn["resize"])
        if "kill" in turn:
            os.kill([one for one in descendants(pid) if name(one) == turn["kill"]][0], signal.SIGKILL)
        if "type" in turn:
            os.write(fd, turn["type"].encode())
    if not ready:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.time() > deadline:
            output += b"\n(the test waited too long for %s)" % json.dumps(turns).encode()
            for one in reversed(descendants(pid)):
                os.kill(one, signal.SIGKILL)
            os.kill(pid, signal.SIGKILL)
restored = termios.tcgetattr(slave) == before
json.dump({"output": output.decode("utf-8", "replace"), "exitCode": os.waitstatus_to_exitcode(status), "isRestored": restored, "left": turns}, sys.stdout)
`;

/** Runs a program on a terminal of 80 columns and 24 rows. @throws unless every turn had its turn. */
export async function onTerminal(
  command: readonly string[],
  turns: readonly Turn[],
  surroundings: {
    readonly directory: string;
    readonly environment: Readonly<Record<string, string>>;
  },
): Promise<TerminalSession> {
  const child = spawn("python3", ["-c", DRIVER], { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  child.stdin.end(JSON.stringify({ command, turns, seconds: 30, ...surroundings }));
  await once(child, "close");
  const { left, ...session } = JSON.parse(text) as TerminalSession & { readonly left: Turn[] };
  if (left.length === 0) return session;
  throw new Error(`${JSON.stringify(left[0]?.after)} never came:\n${session.output}`);
}
