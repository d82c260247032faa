import assert from "node:assert/strict";
import { test } from "node:test";
import { type CgroupFiles, findCgroupPlace } from "../../../plugins/runtime/cgroup_place.ts";

const V2_MOUNT = "35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
const V1_MOUNTS = `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
39 31 0:36 /docker/abc /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`;

/** Groups of version 2 that hand controllers down. */
function files(mounts: string, groups: string, down: Record<string, string> = {}): CgroupFiles {
  return { mounts, groups, handedDown: (directory) => (down[directory] ?? "").split(" ") };
}

test("findCgroupPlace() finds a controller of version 1 where it is mounted", () => {
  const groups = "8:pids:/docker/abc/me\n4:memory:/with:colon\n0::/";
  const found = (["memory", "pids"] as const).map((name) =>
    findCgroupPlace(name, files(V1_MOUNTS, groups))
  );
  assert.deepEqual(found, [
    { place: { version: 1, directory: "/sys/fs/cgroup/memory/with:colon" } },
    { place: { version: 1, directory: "/sys/fs/cgroup/pids/me" } },
  ]);
});

test("findCgroupPlace() refuses a group of version 1 that is not seen from here", () => {
  for (const groups of ["8:pids:/docker/other", "8:pids:/", "8:pids:/../up"]) {
    const found = findCgroupPlace("pids", files(V1_MOUNTS, groups));
    assert.match("reason" in found ? found.reason : "", /pids control groups .* not mounted/);
  }
});

test("findCgroupPlace() takes the own group of version 2, or the one above it", () => {
  const shell = "0::/user.slice/app.slice/shell.scope";
  const above = "/sys/fs/cgroup/user.slice/app.slice";
  const cases: readonly (readonly [string, Record<string, string>, string])[] = [
    ["0::/", { "/sys/fs/cgroup": "cpu memory pids" }, "/sys/fs/cgroup"],
    [shell, { [above]: "memory pids" }, above],
    [shell, { [above]: "pids", [`${above}/shell.scope`]: "pids" }, `${above}/shell.scope`],
  ];
  for (const [groups, down, directory] of cases) {
    assert.deepEqual(findCgroupPlace("pids", files(V2_MOUNT, groups, down)), {
      place: { version: 2, directory },
    });
  }
});

test("findCgroupPlace() says why there is no place", () => {
  const cases: readonly (readonly [CgroupFiles, RegExp])[] = [
    [files(V2_MOUNT, "0::/a/b", { "/sys/fs/cgroup/a": "cpu" }), /\/a\/b gets no memory control/],
    // Looking above the root of what is mounted would find somebody else's group.
    [files(V2_MOUNT, "0::/", { "/sys/fs": "memory" }), /gets no memory control/],
    [files(V2_MOUNT, "0::/../up", { "/sys/fs/cgroup": "memory" }), /no memory control groups/],
    [files("1 1 0:1 / / rw - ext4 d rw", "0::/"), /no memory control groups/],
    [files("", ""), /no memory control groups/],
  ];
  for (const [given, reason] of cases) {
    const found = findCgroupPlace("memory", given);
    assert.match("reason" in found ? found.reason : "", reason);
  }
});
