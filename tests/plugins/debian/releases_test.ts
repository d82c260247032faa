import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Observations } from "../../../core/context/observations.ts";
import { LayerwrightError } from "../../../core/errors.ts";
import { sha256 } from "../../../core/oci/digest.ts";
import { archiveOf } from "../../../plugins/debian/archive.ts";
import { checkedDefinition } from "../../../plugins/debian/definition.ts";
import { findReleases, type FoundReleases } from "../../../plugins/debian/releases.ts";
import { type TempEngine, tempEngine } from "../../support/temp_engine.ts";

const noApt = !existsSync("/usr/lib/apt/apt-helper") && "needs apt";
const options = { skip: noApt, timeout: 60_000 };
const title = (name: string): string => noApt === false ? name : `${name} (${noApt})`;

const release = (day: number): string =>
  `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSuite: stable\n` +
  `Date: Sat, 0${day} Aug 2026 10:16:37 UTC\nSHA256:\n`;
const DATE_SECONDS = Date.UTC(2026, 7, 1, 10, 16, 37) / 1000;

/** A mirror on this machine. Proxies must not be asked for it. */
class Mirror implements AsyncDisposable {
  answer: RequestListener = (_, response) => response.end(release(1));
  asked = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Mirror> {
    process.env.no_proxy = "127.0.0.1";
    const server = createServer((request, response) => {
      mirror.asked++;
      mirror.answer(request, response);
    });
    const mirror = new Mirror(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return mirror;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/debian`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function find(
  lw: TempEngine,
  mirror: string,
  attributes: Record<string, string> = {},
): Promise<FoundReleases> {
  using store = await lw.engine.openStore();
  const definition = checkedDefinition({
    identifier: "debian://sid",
    attributes: { mirror, ...attributes },
  });
  const observations = new Observations({ nowMs: Date.now() });
  return await findReleases(definition, archiveOf(definition, {}), {
    store,
    contextDirectory: lw.context,
    observations,
  });
}

test(
  title("findReleases() gives the digest and the date of the signed list"),
  options,
  async () => {
    using lw = tempEngine();
    await using mirror = await Mirror.start();
    assert.deepEqual(await find(lw, mirror.address), {
      digests: [sha256(release(1))],
      dateSeconds: DATE_SECONDS,
    });
  },
);

test(
  title("findReleases() asks again when what it knows is too old, and no sooner"),
  options,
  async () => {
    using lw = tempEngine();
    await using mirror = await Mirror.start();
    await find(lw, mirror.address);
    mirror.answer = (_, response) => response.end(release(2));
    const old = await find(lw, mirror.address);
    assert.deepEqual(old.digests, [sha256(release(1))]);
    assert.equal(mirror.asked, 1);
    const fresh = await find(lw, mirror.address, { "max-age-hours": "0" });
    assert.deepEqual(fresh.digests, [sha256(release(2))]);
    assert.equal(mirror.asked, 2);
  },
);

const failures: readonly [what: string, answer: RequestListener][] = [
  ["has an error", (_, response) => response.writeHead(500).end()],
  ["is a login page", (_, response) => response.end("<html>Please log in</html>")],
  [
    "sends a list without a date",
    (_, response) => response.end(release(1).replace("Date", "Datum")),
  ],
];

for (const [what, answer] of failures) {
  test(
    title(`findReleases() goes on with what it knows when the mirror ${what}, else says so`),
    options,
    async () => {
      using lw = tempEngine();
      await using mirror = await Mirror.start();
      const good = mirror.answer;
      mirror.answer = answer;
      await assert.rejects(find(lw, mirror.address), (error) => {
        assert.ok(error instanceof LayerwrightError);
        assert.equal(error.code, "DEBIAN_MIRROR_UNREACHABLE");
        assert.match(error.message, new RegExp(`"${mirror.address}/dists/sid/InRelease"`));
        assert.notEqual(error.hint, undefined);
        return true;
      });
      mirror.answer = good;
      await find(lw, mirror.address);
      mirror.answer = answer;
      const { stale, digests } = await find(lw, mirror.address, { "max-age-hours": "0" });
      assert.equal(stale?.code, "DEBIAN_MIRROR_UNREACHABLE");
      assert.deepEqual(digests, [sha256(release(1))]);
    },
  );
}

test(title("findReleases() goes on with what it knows when nobody answers"), options, async () => {
  using lw = tempEngine();
  let address = "";
  {
    await using mirror = await Mirror.start();
    address = mirror.address;
    await find(lw, address);
  }
  const { stale, digests } = await find(lw, address, { "max-age-hours": "0" });
  assert.equal(stale?.code, "DEBIAN_MIRROR_UNREACHABLE");
  assert.deepEqual(digests, [sha256(release(1))]);
});

test(title("findReleases() says that a mirror has no such suite"), options, async () => {
  using lw = tempEngine();
  await using mirror = await Mirror.start();
  mirror.answer = (_, response) => response.writeHead(404).end();
  await assert.rejects(find(lw, mirror.address), { code: "SOURCE_MISSING" });
});
