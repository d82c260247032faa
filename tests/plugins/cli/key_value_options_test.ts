import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseAnnotations,
  parseBuildArgs,
  parseLabels,
} from "../../../plugins/cli/key_value_options.ts";

test("parseBuildArgs() takes values, and names from the environment; what is not set is left out", () => {
  const environment = { TOKEN: "t", EMPTY: "" };
  assert.deepEqual(
    parseBuildArgs(["A=", "B=x=y", "TOKEN", "EMPTY", "NONE", "toString", "A=2"], environment),
    {
      A: "2",
      B: "x=y",
      TOKEN: "t",
      EMPTY: "",
    },
  );
  assert.throws(() => parseBuildArgs(["=x"], {}), { code: "OPTION_INVALID" });
});

test("parseLabels() takes a name alone as an empty value", () => {
  assert.deepEqual(parseLabels(["a.b=c", "d"]), { "a.b": "c", d: "" });
});

test("parseAnnotations() takes those of the manifest, and refuses others by name", () => {
  assert.deepEqual(parseAnnotations(["a=b", "manifest:c=d=e"]), { a: "b", c: "d=e" });
  for (
    const text of ["a", "index:a=b", "manifest[linux/amd64]:a=b", "manifest-descriptor:a=b", "=b"]
  ) {
    assert.throws(() => parseAnnotations([text]), { code: "OPTION_INVALID" }, text);
  }
});
