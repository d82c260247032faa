import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { surroundingsProblems } from "../../../core/graph/validate_surroundings.ts";

type Surroundings = Parameters<typeof surroundingsProblems>[0];

function messages(surroundings: Surroundings): string[] {
  return surroundingsProblems(surroundings).map(({ message }) => message);
}

test("surroundingsProblems() finds nothing wrong with what can be had", () => {
  const hosts = [
    { name: "db", address: "10.0.0.1" },
    { name: "db", address: "::1" },
    { name: "a.b-c_d.test", address: "fe80::1:2" },
    { name: "mapped", address: "::ffff:10.0.0.1" },
    // Bun's URL refuses this one.
    { name: "zeros", address: "::0:0:0:0:0.0.0.0" },
  ];
  const ulimits = [
    { name: "nofile", soft: 1, hard: 1 },
    { name: "core", soft: 0, hard: -1 },
    { name: "nproc", soft: -1, hard: -1 },
  ];
  const resources = { memoryBytes: 6 * 2 ** 20, pids: 1 };
  assert.deepEqual(messages({ hosts, ulimits, resources, shmSizeBytes: 1 }), []);
  assert.deepEqual(messages({}), []);
});

test("surroundingsProblems() refuses what would write other lines into /etc/hosts", () => {
  for (const name of ["", "-a", "a-", "a b", "a\n1.2.3.4 b", "a#b", "ä", "a:b", "."]) {
    assert.match(messages({ hosts: [{ name, address: "1.2.3.4" }] }).join(), /is no host name$/);
  }
  const wrong = [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.04",
    "1.2.3.4\n",
    "host",
    "::g",
    ":",
  ];
  for (
    const address of [
      ...wrong,
      "[::1]",
      "fe80::1%eth0",
      "1:2:3:4:5:6:7:8:9",
      "1.2.3.4::",
      "::1.2.3",
      "12345::",
      "::1\n",
      "1:2",
      "host-gateway",
    ]
  ) {
    assert.match(
      messages({ hosts: [{ name: "a", address }] }).join(),
      /is no IP address$/,
      address,
    );
  }
});

test("surroundingsProblems() accepts every IPv4 address in its usual form", () => {
  fc.assert(fc.property(fc.ipV4(), (address) => {
    assert.deepEqual(messages({ hosts: [{ name: "a", address }] }), []);
  }));
});

test("surroundingsProblems() accepts every IPv6 address", () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      assert.deepEqual(messages({ hosts: [{ name: "a", address }] }), []);
    }),
    { numRuns: 1000 },
  );
});

test("surroundingsProblems() refuses limits that are none", () => {
  const cases = [
    [[{ name: "files", soft: 1, hard: 1 }], /"files=1:1": known are as, core, /],
    [[{ name: "NOFILE", soft: 1, hard: 1 }], /known are/],
    [[{ name: "nofile", soft: 2, hard: 1 }], /"nofile=2:1": the soft limit is over the hard one/],
    [[{ name: "nofile", soft: -1, hard: 1 }], /over the hard one/],
    [[{ name: "nofile", soft: -2, hard: 1 }], /whole numbers, or -1/],
    [[{ name: "nofile", soft: 1.5, hard: 2 }], /whole numbers, or -1/],
    [[{ name: "nofile", soft: NaN, hard: NaN }], /whole numbers, or -1/],
    [[{ name: "cpu", soft: 1, hard: 1 }, { name: "cpu", soft: 2, hard: 2 }], /cpu is set twice/],
  ] as const;
  for (const [ulimits, problem] of cases) {
    const found = messages({ ulimits });
    assert.equal(found.length, 1);
    assert.match(found[0] ?? "", problem);
  }
});

test("surroundingsProblems() refuses less memory than a program can start in", () => {
  assert.deepEqual(messages({ resources: { memoryBytes: 6 * 2 ** 20 - 1 } }), [
    "Cannot limit memory to 6291455: less than 6 MiB, in which nothing starts",
  ]);
});

test("surroundingsProblems() tells all that is wrong at once", () => {
  for (const value of [0, -1, 1.5, NaN, Infinity]) {
    const found = messages({
      shmSizeBytes: value,
      resources: { memoryBytes: value, pids: value },
      ulimits: [{ name: "x", soft: 0, hard: 0 }],
    });
    assert.equal(found.length, 4);
    assert.deepEqual(found.slice(1), [
      `Cannot limit /dev/shm to ${value}: not a whole number from 1`,
      `Cannot limit memory to ${value}: not a whole number from 1`,
      `Cannot limit pids to ${value}: not a whole number from 1`,
    ]);
  }
});
