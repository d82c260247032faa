import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { readElf } from "../../plugins/host_executable/elf.ts";
import { findLibraries } from "../../plugins/host_executable/libraries.ts";
import { loaderPaths } from "../../plugins/host_executable/loader_paths.ts";

const skip = spawnSync("ldd", ["--version"]).status !== 0 && "needs ldd";

for (const name of ["bash", "git", "tar", "skopeo", "podman", "crun", "perl", "cc"]) {
  const found = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
  const missing = skip || (found === "" && `needs ${name}`);
  test(`findLibraries() finds the libraries that ldd finds for ${name} (needs ldd, ${name})`, {
    skip: missing,
  }, () => {
    const hostPath = realpathSync(found);
    const elf = readElf(hostPath);
    const { interpreter = "" } = elf;
    assert.notEqual(interpreter, "");
    const paths = loaderPaths(interpreter, elf.addressBits);
    const ours = findLibraries({ hostPath, imagePath: hostPath, elf }, { interpreter, paths });
    const { stdout } = spawnSync("ldd", [hostPath], { encoding: "utf8" });
    const theirs = [...stdout.matchAll(/ => (\/\S+)/g)].map(([, path = ""]) => path);
    // The folder may be named through another link: ld.so remembers names, not where links lead.
    const settled = (path: string): string =>
      join(realpathSync(dirname(path)), path.slice(dirname(path).length));
    assert.deepEqual(
      ours.map((library) => settled(library.hostPath)).sort(),
      theirs.map(settled).sort(),
    );
  });
}
