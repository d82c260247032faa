/** SSH agents in steps: a real agent, asked by a real ssh-add in the image. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SshAgents } from "../../../core/execute/ssh_agents.ts";
import { host } from "../../../core/host/mod.ts";
import { bindMount, executable, sshMount } from "../../../mod.ts";
import { busyboxImage, runObstacle } from "../../support/busybox_image.ts";
import { startChild } from "../../support/child.ts";
import { hasManyIds } from "../../support/many_ids.ts";
import { recordBuild } from "../../support/recorded_build.ts";
import { makeKey, sshObstacle, startTestAgent } from "../../support/ssh_agent.ts";
import { tempEngine } from "../../support/temp_engine.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const reason = await runObstacle() ?? sshObstacle;
const options = { skip: reason !== undefined, timeout: 120_000 };
const suffix = reason === undefined ? "" : ` (${reason})`;
const sshOptions = { skip: sshObstacle !== undefined, timeout: 60_000 };
const base = busyboxImage();
const manyIds = await hasManyIds();

/** A base image with a user and ssh-add. */
function imageWithClient(): ReturnType<typeof busyboxImage> {
  return base.copy("/", "/", { from: executable("ssh-add") })
    .run(
      "echo root:x:0:0::/root:/bin/sh > /etc/passwd; echo ada:x:1000:1000::/:/bin/sh >> /etc/passwd",
    );
}

/** Folders of private agents that are there now. */
function agentFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith("lw-ssh-"));
}

test(
  `run() reaches an agent of the user's, and nothing tells where it is${suffix}`,
  options,
  async () => {
    await using agent = await startTestAgent();
    using lw = tempEngine();
    const recipe = imageWithClient().run(
      "echo $SSH_AUTH_SOCK; stat -c '%F %a %u:%g' $SSH_AUTH_SOCK; ssh-add -l; ssh-add -l; env",
      { mounts: [sshMount({ required: true })] },
    );
    const { output, error } = await recordBuild(lw, recipe, {
      ssh: [{ id: "default", paths: [agent.socket] }],
    });
    assert.equal(error, "");
    assert.match(output, /^\/run\/buildkit\/ssh_agent\.0\nsocket 600 0:0\n/);
    assert.equal(output.split(agent.fingerprint).length, 3);
    assert.ok(!output.includes(agent.socket));
  },
);

test(
  `run() lets a user of the step reach an agent of root${suffix} (needs many ids)`,
  { ...options, skip: options.skip || !manyIds },
  async () => {
    await using agent = await startTestAgent();
    using lw = tempEngine();
    const recipe = imageWithClient().workdir("/srv").user("ada").run(
      "id -u; stat -c '%a %u:%g' agent; ssh-add -l",
      { mounts: [sshMount({ target: "agent", uid: 1000, gid: 5, mode: 0o660 })], network: "none" },
    );
    const { output, error } = await recordBuild(lw, recipe, {
      ssh: [{ id: "default", paths: [agent.socket] }],
    });
    assert.equal(error, "");
    assert.match(output, /^1000\n660 1000:5\n/);
    assert.ok(output.includes(agent.fingerprint));
    const denied = imageWithClient().user("ada").run("ssh-add -l", { mounts: [sshMount()] });
    const { code } = await recordBuild(lw, denied, {
      ssh: [{ id: "default", paths: [agent.socket] }],
    });
    assert.equal(code, "RUN_FAILED");
  },
);

test(
  `run() with keys has a private agent, which ends with the build${suffix}`,
  options,
  async () => {
    using folder = temporaryDirectory();
    using lw = tempEngine();
    const [one, two] = [join(folder.path, "one"), join(folder.path, "two")];
    const fingerprints = [makeKey(one), makeKey(two)];
    // As a key comes out of the secrets of a CI service, which keep no modes.
    writeFileSync(two, readFileSync(two), { mode: 0o644 });
    const before = agentFolders();
    const recipe = imageWithClient().run("ssh-add -l; echo $SSH_AUTH_SOCK", {
      mounts: [sshMount({ id: "other" }), sshMount({ id: "keys" })],
    });
    const { output, error, events } = await recordBuild(lw, recipe, {
      ssh: [{ id: "keys", paths: [one, two] }],
    });
    assert.equal(error, "");
    for (const fingerprint of fingerprints) assert.ok(output.includes(fingerprint), output);
    assert.match(output, /^\/run\/buildkit\/ssh_agent\.1$/m);
    assert.doesNotMatch(events, /lw-ssh-/);
    assert.deepEqual(agentFolders(), before);
  },
);

test(
  `run() without an agent that is not required has no variable and no socket${suffix}`,
  options,
  async () => {
    using lw = tempEngine();
    const recipe = base.run('echo "[$SSH_AUTH_SOCK]"; test ! -e /run/buildkit', {
      mounts: [sshMount()],
    });
    const { output, error } = await recordBuild(lw, recipe);
    assert.deepEqual([output, error], ["[]\n", ""]);
  },
);

test(`run() names a required agent that is missing${suffix}`, options, async () => {
  using lw = tempEngine();
  const recipe = base.run("true", { mounts: [sshMount({ id: "github", required: true })] });
  const { code, error } = await recordBuild(lw, recipe, { ssh: [{ id: "gihub", paths: ["/x"] }] });
  assert.equal(code, "SSH_MISSING");
  assert.match(error, /no SSH agent "github", did you mean "gihub"\?/);
  assert.match(error, /ssh_agents_test\.ts:\d+/);
  assert.match(error, /add --ssh github/);
});

test(`SshAgents says what is wrong with sockets and keys`, sshOptions, async () => {
  using folder = temporaryDirectory();
  const path = (name: string): string => join(folder.path, name);
  makeKey(path("locked"), "passphrase");
  makeKey(path("pem"), "", ["-t", "rsa", "-m", "PEM"]);
  makeKey(path("pem-locked"), "passphrase", ["-t", "rsa", "-m", "PEM"]);
  makeKey(path("pkcs8-locked"), "passphrase", ["-t", "rsa", "-m", "PKCS8"]);
  writeFileSync(path("public"), "ssh-ed25519 AAAA test\n");
  writeFileSync(
    path("broken"),
    "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
  );
  const before = agentFolders();
  for (
    const [name, why] of [
      ["locked", /"[^"]*\/locked" is protected by a passphrase/],
      ["pem-locked", /protected by a passphrase/],
      ["pkcs8-locked", /protected by a passphrase/],
      ["public", /holds no private key/],
      ["broken", /ssh-add does not take the key/],
      ["gone", /is not there/],
      [".", /neither a socket nor a key/],
    ] as const
  ) {
    await using agents = new SshAgents([{ id: "x", paths: [path(name)] }]);
    await assert.rejects(agents.socketOf({ id: "x", required: false }), {
      code: "SSH_MISSING",
      message: why,
    });
  }
  {
    await using agents = new SshAgents([{ id: "x", paths: [path("pem")] }]);
    assert.match(await agents.socketOf({ id: "x", required: true }) ?? "", /^\//);
  }
  assert.deepEqual(agentFolders(), before);
});

test(
  "SshAgents takes the agent of the environment, or says that there is none",
  sshOptions,
  async () => {
    await using agent = await startTestAgent();
    const known = process.env.SSH_AUTH_SOCK;
    await using agents = new SshAgents([{ id: "default" }]);
    await using others = new SshAgents([{ id: "default" }]);
    try {
      process.env.SSH_AUTH_SOCK = agent.socket;
      assert.equal(await agents.socketOf({ id: "default", required: true }), agent.socket);
      delete process.env.SSH_AUTH_SOCK;
      await assert.rejects(others.socketOf({ id: "default", required: true }), {
        code: "SSH_MISSING",
        message: /SSH_AUTH_SOCK is not set/,
      });
    } finally {
      if (known !== undefined) process.env.SSH_AUTH_SOCK = known;
    }
  },
);

test(`run() reads the layer without the socket of an agent${suffix}`, options, async () => {
  await using agent = await startTestAgent();
  using lw = tempEngine();
  const tool = bindMount("/tool", { from: executable("ssh-add") });
  const recipe = base.run("test -S /deep/er/agent && touch /made", {
    mounts: [sshMount({ target: "/deep/er/agent" }), tool],
  }).run("test ! -e /deep && test ! -e /tool && test -e /made");
  const { error, warnings } = await recordBuild(lw, recipe, {
    ssh: [{ id: "default", paths: [agent.socket] }],
  });
  assert.deepEqual([error, warnings], ["", []]);
});

test("a private agent ends when the process that started it is killed", sshOptions, async () => {
  using folder = temporaryDirectory();
  const key = join(folder.path, "key");
  makeKey(key);
  const program = fileURLToPath(new URL("../../support/hold_agent.ts", import.meta.url));
  const child = startChild([...host.selfCommand(program), key]);
  await child.printed("/agent\n");
  const socket = child.output().trim();
  assert.ok(existsSync(socket));
  await child.kill();
  // It removes its folder last of all.
  while (existsSync(dirname(socket))) await setTimeout(10);
});
