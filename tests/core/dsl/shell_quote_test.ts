import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { LayerwrightError } from "../../../core/errors.ts";
import { sh, type ShellCommand, type ShellValue } from "../../../core/dsl/shell_quote.ts";
import { programPath } from "../../support/program_path.ts";
import { temporaryDirectory } from "../../support/temporary_directory.ts";

const shells = ["dash", "bash", "busybox"].filter((name) => programPath(name) !== undefined);
const noShell = shells.length === 0 && "needs dash, bash or busybox";

function shellArgs(shell: string, script: string): [command: string, args: string[]] {
  return [shell, shell === "busybox" ? ["sh", "-c", script] : ["-c", script]];
}

/** Calls the template tag with pieces that are not known before. */
function shellCommand(texts: readonly string[], values: readonly ShellValue[]): ShellCommand {
  return sh(Object.assign([...texts], { raw: texts }), ...values);
}

test("sh quotes values, joins arrays and leaves commands as they are", () => {
  assert.equal(sh`echo ${"a b"} ${3}`.script, "echo 'a b' '3'");
  assert.equal(sh`rm ${["a", "b c"]} ${[]}`.script, "rm 'a' 'b c' ");
  assert.equal(sh`cd ${"/x"} && ${sh`make ${"it's"}`}`.script, "cd '/x' && make 'it'\\''s'");
});

test("sh refuses values where quotes do not protect them, and says where that is", () => {
  const cases: readonly [command: () => unknown, place: RegExp][] = [
    [() => sh`echo "${"x"}"`, /inside double quotes/],
    [() => sh`echo '${"x"}'`, /inside single quotes/],
    [() => sh`echo \`cat ${"x"}\``, /inside backticks/],
    [() => sh`make # ${"x"}`, /inside a comment/],
    [() =>
      sh`echo a \\
# ${"x"}`, /inside a comment/],
    [() => sh`cat <<EOF\n${"x"}\nEOF`, /here-document/],
    [() => sh`echo $((1 + ${"x"}))`, /arithmetic/],
    [() => sh`echo $'a${"x"}'`, /\$'/],
    [() => sh`echo $${"x"}`, /right after a "\$"/],
    [() => sh`echo \\${"x"}`, /right after a backslash/],
    [() => sh`echo "$(printf "${"x"}")"`, /substitution in double quotes/],
    [() => sh`echo "a" "${sh`b`}" 'c${"x"}'`, /value 2 stands inside single quotes/],
  ];
  for (const [command, place] of cases) {
    assert.throws(command, { code: "RECIPE_INVALID", message: place });
  }
});

test("sh takes values wherever words stand", () => {
  assert.equal(sh`echo "$HOME/${sh`a`}" "\${USER}" ${"x"}`.script, `echo "$HOME/a" "\${USER}" 'x'`);
  assert.equal(sh`for f in $(ls ${"d"}); do cp $f ${"e"}; done # all`.script.includes("'d'"), true);
  assert.equal(sh`cat <<<${"x"} a#b${"y"} 2>&1`.script, "cat <<<'x' a#b'y' 2>&1");
});

test("sh refuses NUL characters and values that are none", () => {
  assert.throws(() => sh`echo ${"a\0b"}`, { code: "RECIPE_INVALID", message: /NUL/ });
  assert.throws(() => shellCommand(["rm -r ", "/x"], [undefined as never]), {
    message: /value 1 is undefined/,
  });
});

test("sh gives shells every value as it is (seed 31; needs dash, bash or busybox)", {
  skip: noShell,
}, () => {
  const text = fc.string({ unit: fc.constantFrom(..."'\"\\`$()!*?[]{}~#&;|<> \t\nab=é-") })
    .filter((value) => !value.includes("\0"));
  fc.assert(
    fc.property(
      fc.array(text, { minLength: 1, maxLength: 20 }),
      fc.constantFrom(...shells),
      (values, shell) => {
        const { script } = sh`printf '%s\\0' ${values}`;
        const { stdout } = spawnSync(...shellArgs(shell, script), { encoding: "utf8" });
        assert.equal(stdout, values.map((value) => `${value}\0`).join(""));
      },
    ),
    { seed: 31, numRuns: 60 },
  );
});

test("sh lets no value run, whatever stands around it (seed 32; needs dash, bash or busybox)", {
  skip: noShell,
}, () => {
  using directory = temporaryDirectory();
  const proof = join(directory.path, "proof");
  const piece = fc.array(
    fc.constantFrom(
      ..."'\"\\`$(){}#;&|<>[]\n ",
      "echo ",
      "$(",
      "${a:-",
      "((",
      "<<a",
      "a=",
      "case a in a)",
      "esac",
    ),
    { maxLength: 7 },
  ).map((parts) => parts.join(""));
  const run = `touch ${proof}`;
  const value = fc.constantFrom(
    `$(${run})`,
    `';${run};'`,
    `";${run};"`,
    `\`${run}\``,
    `\n${run}\n`,
    `a[$(${run})]`,
    `\\';${run};'`,
    `};${run};#`,
    `\na\n${run}\n`,
  );
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(piece, { minLength: 2, maxLength: 4 }), value, (texts, given) => {
      let command: ShellCommand;
      try {
        command = shellCommand(texts, texts.slice(1).map(() => given));
      } catch (error) {
        if (error instanceof LayerwrightError) return;
        throw error;
      }
      accepted++;
      const shell = shells[accepted % shells.length] ?? "sh";
      spawnSync(...shellArgs(shell, command.script), {
        cwd: directory.path,
        timeout: 5000,
        input: "",
      });
      assert.ok(!existsSync(proof), `${shell} ran ${JSON.stringify(command.script)}`);
    }),
    { seed: 32, numRuns: 4000, interruptAfterTimeLimit: 12_000, markInterruptAsFailure: false },
  );
  assert.ok(accepted > 50, `only ${accepted} commands were accepted`);
});
