import assert from "node:assert/strict";
import { test } from "node:test";
import { readStepOptions, type StepFlags } from "../../../plugins/cli/step_options.ts";

test("readStepOptions() says nothing that was not asked for", () => {
  assert.deepEqual(readStepOptions({}), {});
});

test("readStepOptions() reads hosts in all of docker's spellings", () => {
  const addHost = [
    ...["db:10.0.0.1", "db=10.0.0.2", "six:::1", "six=[fe80::1]", "six:[::2]"],
    ...["me:host-gateway", "a.b-c=1.2.3.4"],
  ];
  assert.deepEqual(readStepOptions({ addHost }).hosts, [
    { name: "db", address: "10.0.0.1" },
    { name: "db", address: "10.0.0.2" },
    { name: "six", address: "::1" },
    { name: "six", address: "fe80::1" },
    { name: "six", address: "::2" },
    { name: "me", address: "127.0.0.1" },
    { name: "a.b-c", address: "1.2.3.4" },
  ]);
});

test("readStepOptions() reads limits, sizes and times", () => {
  const flags = {
    ulimit: ["nofile=1024:2048", "core=0", "nproc=-1"],
    resource: ["memory=512m", "pids=100"],
    shmSize: "128m",
    timeout: "5m",
    network: "none",
    allow: ["security.insecure", "network.host"],
  };
  assert.deepEqual(readStepOptions(flags), {
    allow: ["security.insecure", "network.host"],
    network: "none",
    resources: { memoryBytes: 536_870_912, pids: 100 },
    shmSizeBytes: 134_217_728,
    stepTimeoutMs: 300_000,
    ulimits: [
      { name: "nofile", soft: 1024, hard: 2048 },
      { name: "core", soft: 0, hard: 0 },
      { name: "nproc", soft: -1, hard: -1 },
    ],
  });
  assert.deepEqual(readStepOptions({ resource: ["memory=1g,pids=5"] }).resources, {
    memoryBytes: 2 ** 30,
    pids: 5,
  });
});

test("readStepOptions() names the option and what is wrong", () => {
  const cases: readonly (readonly [StepFlags, RegExp])[] = [
    [{ addHost: ["db"] }, /^Cannot use --add-host "db": not a name, a colon and an address$/],
    [{ addHost: [":1.2.3.4"] }, /^Cannot use --add-host/],
    [{ addHost: ["db:1.2.3"] }, /^Cannot use --add-host "db:1.2.3": "1.2.3" is no IP address$/],
    [{ addHost: ["a b:1.2.3.4"] }, /^Cannot use --add-host .* is no host name$/],
    [{ ulimit: ["nofile"] }, /^Cannot use --ulimit "nofile": not name=soft or name=soft:hard$/],
    [{ ulimit: ["nofile=1:2:3"] }, /^Cannot use --ulimit/],
    [
      { ulimit: ["nofile=2:1"] },
      /^Cannot use --ulimit "nofile=2:1": the soft limit is over the hard one$/,
    ],
    [{ ulimit: ["files=1"] }, /^Cannot use --ulimit "files=1": known are as, core, /],
    [{ ulimit: ["cpu=1", "cpu=2"] }, /^Cannot use --ulimit .* cpu is set twice$/],
    [{ resource: ["memory"] }, /^Cannot use --resource "memory": not name=value$/],
    [{ resource: ["memory=lots"] }, /^Cannot use --resource memory "lots": not a size$/],
    [{ resource: ["memory-swap=1g"] }, /steps cannot be limited in "memory-swap"$/],
    [{ resource: ["cpuset-cpus=0"] }, /steps cannot be limited in "cpuset-cpus"$/],
    [{ resource: ["memroy=1g"] }, /limited in "memroy", did you mean "memory"\?$/],
    [{ resource: ["pids=0"] }, /not a number of processes from 1$/],
    [{ shmSize: "big" }, /^Cannot use --shm-size "big": not a size$/],
    [{ timeout: "5" }, /^Cannot use --timeout "5": not a duration$/],
    [{ network: "bridge" }, /^Cannot use --network "bridge": there is no such network$/],
    [{ network: "hots" }, /did you mean "host"\?$/],
    [{ allow: ["device"] }, /^Cannot use --allow "device": steps cannot be given devices$/],
    [{ allow: ["device=nvidia"] }, /steps cannot be given devices$/],
    [{ allow: ["security.insecur"] }, /did you mean "security.insecure"\?$/],
  ];
  for (const [flags, message] of cases) {
    assert.throws(() => readStepOptions(flags), { code: "OPTION_INVALID", message });
  }
});
