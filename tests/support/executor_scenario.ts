/**
 * Runs the same steps in every executor that works here and prints one line each: its name, then the digests of the
 * steps' layers. Runs as a program of its own, as various users, under various settings.
 *
 * @module
 */
import { executorLadder, ociExecutor } from "../../plugins/runtime/mod.ts";
import { openStepFixture } from "./step_fixture.ts";

const STEPS: readonly string[] = [
  "true",
  "seen=$(umask; env; stat -c '%n %Y %a' / /etc /run /tmp /bin/sh); echo \"$seen\" > /seen",
  "rm -r /dir/inner; mkdir /dir/inner; ln /dir/a /a; chmod 4711 /dir/b; mkfifo /tmp/pipe; ls -id / | wc -l > /n",
  "mkdir -p /deep/er; touch -d @5 /deep/er/x; mv /dir /moved; for i in z y x; do echo $i > /$i; done; rm /y",
];

const runc = { ...ociExecutor({ runtime: "runc" }), name: "runc" };
for (const executor of [...executorLadder(), runc]) {
  if (!(await executor.probe()).usable) continue;
  await using fixture = await openStepFixture(executor);
  const digests: unknown[] = [];
  for (const step of STEPS) {
    const { result } = await fixture.run(step, {
      epochSeconds: 7,
      mounts: [{ type: "tmpfs", target: "/run/lock" }],
      environment: ["PATH=/bin", "Z=1", "A=2"],
    });
    digests.push(result.layer?.diffId);
  }
  process.stdout.write(`${executor.name} ${digests.join(" ")}\n`);
}
