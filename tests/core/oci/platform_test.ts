import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatPlatform,
  normalizePlatform,
  parsePlatform,
  type Platform,
  platformMatches,
  selectPlatform,
} from "../../../core/oci/platform.ts";

const HOST: Platform = { os: "linux", architecture: "amd64" };
const parsed = (text: string): string => formatPlatform(parsePlatform(text, HOST));

for (
  const [text, canonical] of [
    ["linux/amd64", "linux/amd64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["Linux/X86_64", "linux/amd64"],
    ["linux/x86-64", "linux/amd64"],
    ["linux/i386", "linux/386"],
    ["linux/aarch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm64/8", "linux/arm64"],
    ["linux/arm64/v9.0", "linux/arm64/v9"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/arm/7", "linux/arm/v7"],
    ["linux/arm/v6", "linux/arm/v6"],
    ["linux/arm/5", "linux/arm/v5"],
    ["linux/armhf", "linux/arm/v7"],
    ["linux/armel", "linux/arm/v6"],
    ["macos/arm64", "darwin/arm64"],
    ["linux", "linux/amd64"],
    ["windows", "windows/amd64"],
    ["arm64", "linux/arm64"],
    ["armhf", "linux/arm/v7"],
    ["riscv64", "linux/riscv64"],
    ["plan10/vax", "plan10/vax"],
    ["windows(10.0.17763.1)/amd64", "windows(10.0.17763.1)/amd64"],
  ] as const
) {
  test(`parsePlatform() reads ${text} as ${canonical}`, () => {
    assert.equal(parsed(text), canonical);
    assert.equal(parsed(canonical), canonical);
  });
}

for (
  const text of [
    "",
    "/",
    "linux/",
    "/amd64",
    "linux//v7",
    "a/b/c/d",
    "vax",
    "linux amd64",
    "linux/amd 64",
    "linux(",
    "linux()/amd64",
    "amd64(1)",
  ]
) {
  test(`parsePlatform() rejects ${JSON.stringify(text)}`, () => {
    assert.throws(() => parsePlatform(text, HOST), { code: "PLATFORM_INVALID" });
  });
}

test("normalizePlatform() keeps versions and features", () => {
  const platform = {
    os: "Windows",
    architecture: "x86_64",
    "os.version": "10.0.1",
    "os.features": ["win32k"],
  };
  assert.deepEqual(normalizePlatform(platform), {
    ...platform,
    os: "windows",
    architecture: "amd64",
  });
});

test("platformMatches() compares meanings, not spellings", () => {
  const p = (text: string): Platform => {
    const [os = "", architecture = "", variant] = text.split("/");
    return { os, architecture, ...(variant === undefined ? {} : { variant }) };
  };
  assert.equal(platformMatches(p("linux/arm64"), p("linux/aarch64/v8")), true);
  assert.equal(platformMatches(p("linux/arm"), p("linux/arm/v7")), true);
  assert.equal(platformMatches(p("linux/arm/v6"), p("linux/arm/v7")), false);
  assert.equal(platformMatches(p("linux/amd64"), p("windows/amd64")), false);
});

test("platformMatches() ignores the revision of a Windows build, and a version only one side has", () => {
  const windows = (version: string): Platform => ({
    os: "windows",
    architecture: "amd64",
    "os.version": version,
  });
  assert.equal(platformMatches(windows("10.0.17763.1"), windows("10.0.17763.2")), true);
  assert.equal(platformMatches(windows("10.0.17763.1"), windows("10.0.20348.1")), false);
  assert.equal(platformMatches({ os: "windows", architecture: "amd64" }, windows("10.0.1")), true);
});

for (
  const [wanted, offered, chosen] of [
    ["linux/arm64", ["linux/amd64", "linux/arm64/v8"], 1],
    ["linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], 1],
    ["linux/arm/v7", ["linux/arm/v6", "linux/arm/v7"], 1],
    ["linux/arm/v6", ["linux/arm/v7"], -1],
    ["linux/arm64", ["linux/arm/v6", "linux/arm/v7"], 1],
    ["linux/arm", ["linux/arm64"], -1],
    ["linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], 1],
    ["linux/amd64", ["linux/amd64/v2", "linux/386"], 1],
    ["linux/amd64", ["linux/amd64/v2"], -1],
    ["linux/amd64", ["windows/amd64", "unknown/unknown"], -1],
    ["linux/s390x", ["linux/s390x"], 0],
    ["linux/amd64", [], -1],
  ] as const
) {
  test(`selectPlatform() for ${wanted} among [${offered}] is ${chosen}`, () => {
    const platforms = offered.map((text) => parsePlatform(text, HOST));
    assert.equal(selectPlatform(parsePlatform(wanted, HOST), platforms), chosen);
  });
}

test("selectPlatform() passes over entries without a platform", () => {
  assert.equal(selectPlatform(HOST, [undefined, HOST]), 1);
});
