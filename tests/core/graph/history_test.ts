import assert from "node:assert/strict";
import { test } from "node:test";
import { image } from "../../../core/dsl/image.ts";
import type { AnyImage } from "../../../core/dsl/image_builder.ts";
import { inlineFile } from "../../../core/dsl/inline_file.ts";
import { bindMount } from "../../../core/dsl/mount.ts";
import { applyConfigChange } from "../../../core/graph/effective_config.ts";
import { historyEntry } from "../../../core/graph/history.ts";
import { type ImageState, initialState } from "../../../core/graph/image_state.ts";
import type { HistoryEntry } from "../../../core/oci/image_config.ts";
import { graphOf, LINUX } from "../../support/graph_ops.ts";

const base = image().from("scratch");

/** The entries of a chain of one stage, in order. */
function historyOf(chain: AnyImage): HistoryEntry[] {
  let state: ImageState = initialState(LINUX);
  const history: HistoryEntry[] = [];
  for (const { op } of graphOf(chain).vertices.values()) {
    const entry = historyEntry(op, state);
    if (entry !== undefined) history.push(entry);
    if (op.type === "config") state = applyConfigChange(state, op.change);
  }
  return history;
}

function textsOf(chain: AnyImage): (string | undefined)[] {
  return historyOf(chain).map((entry) => entry.created_by);
}

test("historyEntry() of COPY and ADD shows the flags BuildKit shows, in its order", () => {
  const chain = base
    .copy(["a", "b"], "./", { from: image().from("x"), link: true, exclude: ["y"], parents: true })
    .copy("a b", "/c", { owner: "app:app", mode: "u+x" })
    .copy(inlineFile("f", "text"), "/f", { owner: "1000" })
    .add("a.tar", "/d/", { mode: 0o644 });
  assert.deepEqual(textsOf(chain), [
    "COPY --parents a b ./ # buildkit",
    "COPY --chown=app:app --chmod=u+x a b /c # buildkit",
    "COPY --chown=1000 <<f /f # buildkit",
    "ADD --chmod=0644 a.tar /d/ # buildkit",
  ]);
});

test("historyEntry() of RUN shows the arguments in scope with their values now, and no flags", () => {
  const chain = base
    .run("make")
    .arg("A", "1").arg("B").arg("A", "2")
    .env("B", "env")
    .run("make $A", { mounts: [bindMount("/x")], network: "none", user: "app", env: { A: "own" } })
    .run(["make", "all"])
    .shell(["/bin/bash", "-c"]).run("x\ny");
  assert.deepEqual(textsOf(chain).filter((text) => text?.startsWith("RUN")), [
    "RUN /bin/sh -c make # buildkit",
    "RUN |2 A=2 B=env /bin/sh -c make $A # buildkit",
    "RUN |2 A=2 B=env make all # buildkit",
    "RUN |2 A=2 B=env /bin/bash -c x\ny # buildkit",
  ]);
});

test("historyEntry() of an argument without a value shows an empty one in RUN", () => {
  assert.deepEqual(textsOf(base.arg("A").run("x")), ["ARG A", "RUN |1 A= /bin/sh -c x # buildkit"]);
});

test("historyEntry() of WORKDIR is one entry with the absolute path, a layer unless it is the root", () => {
  assert.deepEqual(historyOf(base.workdir("/").workdir("srv/").workdir("../opt").workdir("//")), [
    { created_by: "WORKDIR /", comment: "buildkit.dockerfile.v0", empty_layer: true },
    { created_by: "WORKDIR /srv", comment: "buildkit.dockerfile.v0" },
    { created_by: "WORKDIR /opt", comment: "buildkit.dockerfile.v0" },
    { created_by: "WORKDIR /", comment: "buildkit.dockerfile.v0", empty_layer: true },
  ]);
});

test("historyEntry() of config changes is in BuildKit's words", () => {
  const chain = base
    .env({ A: "1 2", B: "" })
    .arg("X", "y z")
    .label({ a: "b c" })
    .user("app:app")
    .expose("80", "53/udp", "8000-8001")
    .volume("/b", "/a")
    .shell(["/bin/bash", "-c"])
    .stopSignal("SIGTERM")
    .author("me <me@example.com>")
    .cmd(["a b", 'c"d\\', "é\n"])
    .cmd("echo hi")
    .cmd([])
    .entrypoint(["/e"]);
  assert.deepEqual(textsOf(chain), [
    "ENV A=1 2 B=",
    "ARG X=y z",
    "LABEL a=b c",
    "USER app:app",
    "EXPOSE [53/udp 80/tcp 8000/tcp 8001/tcp]",
    "VOLUME [/b /a]",
    "SHELL [/bin/bash -c]",
    "STOPSIGNAL SIGTERM",
    "MAINTAINER me <me@example.com>",
    'CMD ["a b" "c\\"d\\\\" "é\\n"]',
    'CMD ["/bin/bash" "-c" "echo hi"]',
    "CMD []",
    'ENTRYPOINT ["/e"]',
  ]);
  for (const entry of historyOf(chain)) {
    assert.equal(entry.comment, "buildkit.dockerfile.v0");
    assert.equal(entry.empty_layer, true);
  }
});

test("historyEntry() of HEALTHCHECK is the struct as Go prints it", () => {
  const chain = base.healthcheck("curl -f x", { intervalMs: 90_000, timeoutMs: 1500, retries: 3 })
    .healthcheck(["/check"], { startPeriodMs: 3_600_000, startIntervalMs: 250 })
    .healthcheck("none");
  assert.deepEqual(textsOf(chain), [
    "HEALTHCHECK {Test:[CMD-SHELL curl -f x] Interval:1m30s Timeout:1.5s StartPeriod:0s StartInterval:0s Retries:3}",
    "HEALTHCHECK {Test:[CMD /check] Interval:0s Timeout:0s StartPeriod:1h0m0s StartInterval:250ms Retries:0}",
    "HEALTHCHECK {Test:[NONE] Interval:0s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}",
  ]);
});

test("historyEntry() says nothing of sources, ONBUILD, annotations, merges and options of the build", () => {
  const chain = base.copy("a", "/a").squash().onbuild("RUN x").annotation("a", "b");
  const texts = historyOf(chain).map(({ created_by }) => created_by);
  assert.deepEqual(texts, ["COPY a /a # buildkit"]);
  const change = { kind: "label", labels: [{ name: "a", value: "b" }], unrecorded: true } as const;
  assert.equal(historyEntry({ type: "config", change }, initialState(LINUX)), undefined);
});

test("historyEntry() of file changes that no instruction made is the exporter's", () => {
  const actions = [
    { kind: "mkdir", path: "/a", mode: 0o755 },
    { kind: "rm", path: "/b", optional: false },
  ] as const;
  assert.deepEqual(historyEntry({ type: "file", actions }, initialState(LINUX)), {
    created_by: "mkdir /a, rm /b",
    comment: "buildkit.exporter.image.v0",
  });
});
