import assert from "node:assert/strict";
import { test } from "node:test";
import { storeHome } from "../../../core/store/home.ts";

for (
  const [what, env, platform, home] of [
    [
      "LAYERWRIGHT_HOME before all",
      { LAYERWRIGHT_HOME: "/lw", XDG_DATA_HOME: "/xdg", HOME: "/h" },
      "linux",
      "/lw",
    ],
    ["XDG_DATA_HOME", { XDG_DATA_HOME: "/xdg", HOME: "/h" }, "linux", "/xdg/layerwright"],
    [
      "HOME when XDG_DATA_HOME is relative",
      { XDG_DATA_HOME: "xdg", HOME: "/h" },
      "linux",
      "/h/.local/share/layerwright",
    ],
    [
      "HOME when the others are empty",
      { LAYERWRIGHT_HOME: "", XDG_DATA_HOME: "", HOME: "/h" },
      "freebsd",
      "/h/.local/share/layerwright",
    ],
    [
      "the library of macOS",
      { HOME: "/Users/a" },
      "darwin",
      "/Users/a/Library/Application Support/layerwright",
    ],
    [
      "local application data of Windows",
      { LOCALAPPDATA: "C:\\A\\Local" },
      "win32",
      "C:\\A\\Local\\layerwright",
    ],
    [
      "the profile of Windows",
      { USERPROFILE: "C:\\A" },
      "win32",
      "C:\\A\\AppData\\Local\\layerwright",
    ],
  ] as const
) {
  test(`storeHome() takes ${what}`, () => {
    assert.equal(storeHome(env, platform), home);
  });
}

for (const platform of ["linux", "win32"]) {
  test(`storeHome() says what to set when ${platform} has no home`, () => {
    assert.throws(() => storeHome({}, platform), {
      code: "OPTION_INVALID",
      hint: /LAYERWRIGHT_HOME/,
    });
  });
}
