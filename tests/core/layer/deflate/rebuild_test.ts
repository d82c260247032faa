import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  compileEncoder,
  COMPILER_VERSION,
  findCompiler,
  moduleText,
} from "../../../../core/layer/deflate/assembly/build.ts";
import { host } from "../../../../core/host/mod.ts";

const compiler = findCompiler();
const missing = compiler === undefined && "needs the AssemblyScript compiler";
const unloadable = host.runtime === "deno" && "the compiler does not load on Deno";

test(
  `build.ts gives the committed module (needs LAYERWRIGHT_ASC, assemblyscript ${COMPILER_VERSION}, Bun or Node)`,
  {
    skip: missing || unloadable,
  },
  async () => {
    const text = moduleText(await compileEncoder(compiler ?? ""));
    const committed = new URL("../../../../core/layer/deflate/deflate_wasm.ts", import.meta.url);
    assert.equal(text, readFileSync(committed, "utf8"));
  },
);
