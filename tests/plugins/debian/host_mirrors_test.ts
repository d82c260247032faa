import assert from "node:assert/strict";
import { test } from "node:test";
import { archiveOf } from "../../../plugins/debian/archive.ts";
import { checkedDefinition } from "../../../plugins/debian/definition.ts";
import { type HostMirrors, hostMirrors } from "../../../plugins/debian/host_mirrors.ts";
import { writeFiles } from "../../support/temp_engine.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

function mirrorsOf(files: Readonly<Record<string, string>>, id = "debian"): HostMirrors {
  using etc = temporaryDirectory();
  writeFiles(etc.path, { "os-release": `NAME="x"\nID=${id}\nID_LIKE=debian\n`, ...files });
  return hostMirrors(etc.path);
}

const LINES = `# deb http://old.example/debian bookworm main
deb-src http://sources.example/debian bookworm main
deb [arch=amd64] http://ftp.example/debian/ bookworm main contrib # a remark
deb http://ftp.example/debian-security bookworm-security main
`;
const STANZAS = `# Made by an installer
Types: deb deb-src
URIs: http://ftp.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://ftp.example/debian-security
Suites: bookworm-security
Components: main non-free
`;
const FOUND = {
  archive: "http://ftp.example/debian",
  security: "http://ftp.example/debian-security",
};

test("hostMirrors() reads one-line sources", () => {
  assert.deepEqual(mirrorsOf({ "apt/sources.list": LINES }), FOUND);
  assert.deepEqual(mirrorsOf({ "apt/sources.list.d/a.list": LINES }), FOUND);
});

test("hostMirrors() reads deb822 sources", () => {
  assert.deepEqual(mirrorsOf({ "apt/sources.list.d/debian.sources": STANZAS }), FOUND);
});

test("hostMirrors() takes nothing of a machine that is no Debian", () => {
  assert.deepEqual(mirrorsOf({ "apt/sources.list": LINES }, "ubuntu"), {});
  using etc = temporaryDirectory();
  assert.deepEqual(hostMirrors(etc.path), {});
});

test("hostMirrors() passes over what is disabled, another's, signed by others, or no mirror for an image", () => {
  const others = {
    "apt/sources.list.d/docker.list":
      "deb [signed-by=/etc/apt/keyrings/docker.asc] https://download.example/linux/debian bookworm stable\n" +
      "deb [signed-by=/etc/apt/keyrings/other.asc] https://other.example/debian bookworm main\n" +
      "deb http://user:password@private.example/debian bookworm main\n" +
      "deb cdrom:[Debian]/ bookworm main\n",
    "apt/sources.list.d/off.sources": STANZAS.replaceAll("Types", "Enabled: no\nTypes"),
    "apt/sources.list.d/notes.txt": LINES,
  };
  assert.deepEqual(mirrorsOf(others), {});
});

test("hostMirrors() takes over what apt is told not to ask of a copy that does not move", () => {
  const leniencyOf = (text: string): readonly string[] | undefined =>
    mirrorsOf({ "apt/apt.conf.d/99frozen": text }).leniency;
  assert.deepEqual(leniencyOf('Acquire::Check-Valid-Until "false";\nAcquire::Check-Date "no";\n'), [
    "check-valid-until=no",
    "check-date=no",
  ]);
  assert.deepEqual(leniencyOf("Acquire { Check-Valid-Until 0; };"), ["check-valid-until=no"]);
  assert.equal(
    leniencyOf('// Acquire::Check-Valid-Until "false";\n/* Check-Date "no"; */'),
    undefined,
  );
  assert.equal(leniencyOf('Acquire::Check-Date "false";\nAcquire::Check-Date "true";'), undefined);
  assert.equal(
    mirrorsOf({ "apt/apt.conf.d/old.bak": 'Acquire::Check-Date "no";' }).leniency,
    undefined,
  );
});

const definition = (suite: string, attributes: Record<string, string> = {}) =>
  checkedDefinition({ identifier: `debian://${suite}`, attributes });
const KEY = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg";

test("archiveOf() gives a release its updates, from the host's mirrors", () => {
  assert.deepEqual(archiveOf(definition("bookworm"), FOUND), {
    lines: [
      `deb [${KEY}] http://ftp.example/debian bookworm main`,
      `deb [${KEY}] http://ftp.example/debian bookworm-updates main`,
      `deb [${KEY}] http://ftp.example/debian-security bookworm-security main`,
    ],
    releases: [
      "http://ftp.example/debian/dists/bookworm/InRelease",
      "http://ftp.example/debian/dists/bookworm-updates/InRelease",
      "http://ftp.example/debian-security/dists/bookworm-security/InRelease",
    ],
  });
});

test("archiveOf() is as lenient as the host with the host's mirrors, and with no others", () => {
  const lenient = { ...FOUND, leniency: ["check-date=no"] };
  const named = { mirror: "http://mine.example/debian" };
  assert.deepEqual(
    archiveOf(definition("bookworm", named), lenient).lines.map((line) =>
      line.includes("check-date=no]")
    ),
    [false, false, true],
  );
  assert.ok(
    !archiveOf(definition("sid"), { leniency: ["check-date=no"] }).lines[0]?.includes("check-date"),
  );
});

test("archiveOf() takes Debian's own mirrors where nobody names others, and what the recipe names before all", () => {
  const hosts = (attributes: Record<string, string>, host: HostMirrors): string[] =>
    archiveOf(definition("bookworm", attributes), host).releases.map((url) =>
      url.slice(0, url.indexOf("/dists"))
    );
  const debians = "http://deb.debian.org/debian";
  assert.deepEqual(hosts({}, {}), [debians, debians, `${debians}-security`]);
  const mine = "https://mine.example/debian";
  const named = { mirror: mine, "security-mirror": "https://mine.example/security" };
  assert.deepEqual(hosts(named, FOUND), [mine, mine, "https://mine.example/security"]);
  assert.deepEqual(hosts({ mirror: mine, "security-mirror": "none" }, FOUND), [mine, mine]);
});

test("archiveOf() gives a suite that moves no updates", () => {
  assert.deepEqual(archiveOf(definition("sid", { components: "main,contrib" }), {}).lines, [
    `deb [${KEY}] http://deb.debian.org/debian sid main contrib`,
  ]);
});

test("archiveOf() takes all of a snapshot from one moment, however old", () => {
  const { lines } = archiveOf(definition("trixie", { snapshot: "20250520T000000Z" }), {});
  assert.equal(lines.length, 3);
  for (const line of lines) {
    assert.match(line, /check-valid-until=no\] .*\/20250520T000000Z trixie/);
  }
});
