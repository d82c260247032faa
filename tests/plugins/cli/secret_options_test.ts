/** `--secret` and `--ssh`, as buildx reads them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSecret, parseSsh, readSecretOptions } from "../../../plugins/cli/secret_options.ts";

const io = { environment: { TOKEN: "value of it", EMPTY: "" }, workingDirectory: "/work" };

test("parseSecret() reads every form that buildx has", () => {
  const forms = {
    "id=a,src=f": { id: "a", src: "/work/f" },
    "id=a,source=/f": { id: "a", src: "/f" },
    "ID=a,Src=f": { id: "a", src: "/work/f" },
    'id=a,"src=f,g"': { id: "a", src: "/work/f,g" },
    "type=file,id=a,src=f": { id: "a", src: "/work/f" },
    "id=a,env=V": { id: "a", env: "V" },
    "type=env,id=a,env=V": { id: "a", env: "V" },
    "type=env,id=a,src=V": { id: "a", env: "V" },
    "id=TOKEN": { id: "TOKEN", env: "TOKEN" },
    "id=EMPTY": { id: "EMPTY", env: "EMPTY" },
    "id=TOKEN,type=file": { id: "TOKEN", src: "/work/TOKEN" },
    "id=token": { id: "token", src: "/work/token" },
  };
  for (const [text, expected] of Object.entries(forms)) {
    assert.deepEqual(parseSecret(text, io), expected, text);
  }
});

test("parseSecret() says what is wrong, and shows no value", () => {
  const wrong = {
    "": /"" is no key=value/,
    "src=f": /it has no id/,
    "id=": /it has no id/,
    "token": /"token" is no key=value/,
    "id=a,scr=f": /unknown key "scr", did you mean "src"\?/,
    "id=a,type=x": /unknown type "x"/,
    "id=a,src=f,env=V": /a file and a variable/,
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(() => parseSecret(text, io), (error: Error) => {
      assert.match(error.message, message);
      return !error.message.includes("value of it");
    });
  }
});

test("parseSsh() reads ids, sockets and keys", () => {
  assert.deepEqual(parseSsh("default", io), { id: "default" });
  assert.deepEqual(parseSsh("a=/run/agent", io), { id: "a", paths: ["/run/agent"] });
  assert.deepEqual(parseSsh("a=k1,/k2", io), { id: "a", paths: ["/work/k1", "/k2"] });
  for (const text of ["", "=/x", "a=", "a=k,"]) {
    assert.throws(() => parseSsh(text, io), { code: "OPTION_INVALID" });
  }
});

test("readSecretOptions() leaves out what is not given: a memo answers for builds without", () => {
  assert.deepEqual(readSecretOptions({}, io), {});
  assert.deepEqual(readSecretOptions({ secret: ["id=a,env=A"], ssh: ["default"] }, io), {
    secrets: [{ id: "a", env: "A" }],
    ssh: [{ id: "default" }],
  });
});
