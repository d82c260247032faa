import assert from "node:assert/strict";
import { test } from "node:test";
import { expandPorts } from "../../../core/graph/port_spec.ts";

test("expandPorts() takes what BuildKit takes", () => {
  const cases: readonly [spec: string, ports: readonly string[]][] = [
    ["80", ["80/tcp"]],
    ["0080/", ["80/tcp"]],
    ["53/UDP", ["53/udp"]],
    ["1/sctp", ["1/sctp"]],
    ["8000-8002/tcp", ["8000/tcp", "8001/tcp", "8002/tcp"]],
    ["8080:80", ["80/tcp"]],
    ["8000-8001:80-81", ["80/tcp", "81/tcp"]],
    ["127.0.0.1:8080:80/udp", ["80/udp"]],
    ["127.0.0.1::80", ["80/tcp"]],
    ["[::1]:8080:80", ["80/tcp"]],
    ["::1:8080:80", ["80/tcp"]],
  ];
  for (const [spec, ports] of cases) assert.deepEqual(expandPorts(spec), ports, spec);
});

test("expandPorts() refuses what is no port", () => {
  const wrong = [
    "",
    "/tcp",
    "a",
    "-1",
    "65536",
    "1-",
    "-1",
    "2-1",
    "1-2-3",
    "80/icmp",
    "80/tcp/udp",
    " 80",
    "1e3",
    "x:80",
  ];
  for (const spec of wrong) assert.equal(expandPorts(spec), undefined, spec);
});
