/**
 * A context of a million entries, built and built again: `bun tests/bench/many_entries.ts [ENTRIES]`,
 * or with Deno. Prints wall clock and peak memory of each build, of whichever runtime runs this.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
} from "node:fs";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { host } from "../../core/host/mod.ts";

const FILES_PER_DIRECTORY = 1000;
/** What a build held per entry when this was written, with room. */
const BYTES_PER_ENTRY = 6_000;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const entries = Number(process.argv[2] ?? 1_000_000);
if (freemem() < entries * BYTES_PER_ENTRY) {
  print(
    `skipped: needs ${Math.ceil(entries * BYTES_PER_ENTRY / 2 ** 30)} GiB of free memory`,
  );
  process.exit(0);
}
const place = existsSync("/dev/shm") && statfsSync("/dev/shm").ffree > entries * 1.1
  ? "/dev/shm"
  : tmpdir();
const folder = mkdtempSync(join(place, "layerwright-many-"));
try {
  const context = join(folder, "context");
  for (let made = 0; made < entries;) {
    const directory = join(context, `d${made}`);
    mkdirSync(directory, { recursive: true });
    made++;
    for (let file = 1; file < FILES_PER_DIRECTORY && made < entries; file++, made++) {
      closeSync(openSync(join(directory, `f${file}`), "w"));
    }
  }
  const main = fileURLToPath(new URL("../../bin/main.ts", import.meta.url));
  const recipe = fileURLToPath(new URL("./recipes/w1.ts", import.meta.url));
  // Only what is two seconds old is believed to be unchanged later.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  for (const what of ["first build", "unchanged"]) {
    const [program = "", ...args] = host.selfCommand(main);
    const { stdout, stderr, status } = spawnSync(
      "/usr/bin/time",
      ["-f", "%e s, %U s of a processor in user mode, %M KiB", program, ...args].concat(
        ["build", "-q", "-f", recipe],
      ),
      {
        cwd: context,
        env: { ...process.env, LAYERWRIGHT_HOME: join(folder, "home") },
        encoding: "utf8",
        timeout: 300_000,
      },
    );
    print(
      `${what}: ${stderr.trim()} ${status === 0 ? stdout.trim() : `exit code ${status}`}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
