/**
 * What the tests of an executor can rely on here.
 *
 * @module
 */
import type { Executor } from "../../core/execute/executor.ts";
import { noBusybox } from "./step_fixture.ts";

/** What the executor has here. */
export interface ExecutorSurroundings {
  /** Why nothing can be run; undefined when something can. */
  readonly skip: string | undefined;
  /** Steps run behind a seccomp filter. */
  readonly filtersCalls: boolean;
  /** Steps see the processes of this machine. */
  readonly sharesProcesses: boolean;
  /** Ids other than root's exist. */
  readonly manyIds: boolean;
  /** Tests of the contract that do not apply here, each with what it needs. */
  readonly exceptions?: Readonly<Record<string, string>>;
  /** Real root, so that device nodes can be made. */
  readonly realRoot: boolean;
}

/** Asks an executor. */
export async function surroundingsOf(executor: Executor): Promise<ExecutorSurroundings> {
  const { usable, findings, snapshotVariant } = await executor.probe();
  const missing = findings.filter(({ found }) => !found).map(({ name }) => name).join(", ");
  return {
    skip: noBusybox ?? (usable ? undefined : `needs ${missing}`),
    filtersCalls: findings.some(({ name, found }) => name === "seccomp" && found),
    sharesProcesses: findings.some(({ name, found }) => name === "process-namespace" && !found),
    manyIds: snapshotVariant?.endsWith("-single") !== true,
    realRoot: snapshotVariant === "root",
  };
}
