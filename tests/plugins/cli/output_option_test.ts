import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "node:test";
import { parseOutput } from "../../../plugins/cli/output_option.ts";

test("parseOutput() reads what buildx reads", () => {
  const cases = [
    ["out", "local", "out", {}],
    ["./a=b/out", "local", "./a=b/out", {}],
    ["-", "tar", "-", {}],
    ["type=tar", "tar", "-", {}],
    ["type=docker", "docker", "-", {}],
    ["type=oci,dest=a.tar,compression=gzip", "oci", "a.tar", { compression: "gzip" }],
    ["TYPE=image,Name=app:1", "image", "", { name: "app:1" }],
    ['type=local,"dest=a,b"', "local", "a,b", {}],
    ["type=oci,dest=a=b", "oci", "a=b", {}],
    ["type=oci,__proto__=x,dest=d", "oci", "d", JSON.parse('{"__proto__":"x"}')],
  ] as const;
  for (const [text, type, dest, attributes] of cases) {
    assert.equal(parseOutput(text).type, type, text);
    assert.equal(parseOutput(text).dest, dest, text);
    assert.deepEqual(
      Object.entries(parseOutput(text).attributes),
      Object.entries(attributes),
      text,
    );
  }
});

test("parseOutput() refuses what it would have to guess", () => {
  for (
    const text of [
      "",
      "type=",
      "type=oci,tar",
      "dest=a,x=y",
      "type=local",
      "type=local,dest=-",
      "type=oci,=x",
      "type=tar,dest=",
    ]
  ) {
    assert.throws(() => parseOutput(text), { code: "OPTION_INVALID" }, text);
  }
});

test("parseOutput() gives back every attribute, quoted where it must be (seed 1711)", () => {
  const unit = fc.constantFrom("a", "=", ",", '"', " ", "/");
  const value = fc.string({ unit, maxLength: 8 });
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom("a", "b-c", "name"), value),
      fc.string({ unit, minLength: 1, maxLength: 8 }),
      (attributes, dest) => {
        const fields = [
          "type=oci",
          `dest=${dest}`,
          ...Object.entries(attributes).map(([k, v]) => `${k}=${v}`),
        ];
        const text = fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(",");
        const output = parseOutput(text);
        assert.equal(output.dest, dest);
        assert.deepEqual(Object.entries(output.attributes), Object.entries(attributes));
      },
    ),
    { seed: 1711, numRuns: 300 },
  );
});
