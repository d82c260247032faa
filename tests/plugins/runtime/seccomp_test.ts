import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveSeccomp, type SeccompProfile } from "../../../plugins/runtime/seccomp.ts";

const allow = { action: "SCMP_ACT_ALLOW", args: [] };
const profile: SeccompProfile = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: 38,
  archMap: [
    { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
    { architecture: "SCMP_ARCH_AARCH64" },
  ],
  syscalls: [
    { names: ["read"], ...allow, args: null },
    { names: ["arch_prctl"], ...allow, includes: { arches: ["amd64", "x32"] } },
    { names: ["arm_only"], ...allow, includes: { arches: ["arm64"] } },
    { names: ["not_on_amd64"], ...allow, excludes: { arches: ["amd64"] } },
    { names: ["chroot"], ...allow, includes: { caps: ["CAP_SYS_CHROOT"] } },
    { names: ["mount"], ...allow, includes: { caps: ["CAP_SYS_ADMIN"] } },
    {
      names: ["bpf"],
      action: "SCMP_ACT_ERRNO",
      errnoRet: 1,
      excludes: { caps: ["CAP_SYS_ADMIN"] },
    },
    { names: ["socket"], ...allow, args: [{ index: 0 }], excludes: { caps: ["CAP_CHOWN"] } },
    { names: ["ptrace"], ...allow, includes: { minKernel: "4.8" } },
    { names: ["future"], ...allow, includes: { minKernel: "99.0" } },
  ],
};

test("resolveSeccomp() keeps the rules for an architecture, a kernel and docker's capabilities", () => {
  const resolved = resolveSeccomp(profile, "x64", "6.1.0-13-amd64");
  assert.deepEqual(resolved?.syscalls.map(({ names }) => names[0]), [
    "read",
    "arch_prctl",
    "chroot",
    "bpf",
    "ptrace",
  ]);
  assert.deepEqual(resolved?.architectures, ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
  assert.equal(resolved?.defaultErrnoRet, 38);
  assert.deepEqual(resolved?.syscalls[3], {
    names: ["bpf"],
    action: "SCMP_ACT_ERRNO",
    errnoRet: 1,
  });
  const old = resolveSeccomp(profile, "x64", "4.4.0")?.syscalls.map(({ names }) => names[0]);
  assert.equal(old?.includes("ptrace"), false);
});

test("resolveSeccomp() gives nothing for an architecture the profile does not know", () => {
  assert.equal(resolveSeccomp(profile, "s390x", "6.1"), undefined);
  assert.equal(resolveSeccomp(profile, "riscv64", "6.1"), undefined);
});
