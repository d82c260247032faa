import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { takeLock, withLock } from "../../../core/store/lock.ts";
import { withTempFolder } from "../../support/temp_store.ts";

test("withLock() serves those who wait in this process in order, one at a time", () =>
  withTempFolder(async (home) => {
    const events: string[] = [];
    await Promise.all([1, 2, 3].map((n) =>
      withLock(home, "k", undefined, async () => {
        events.push(`${n} in`);
        await new Promise((resolve) => setImmediate(resolve));
        events.push(`${n} out`);
      })
    ));
    assert.deepEqual(events, ["1 in", "1 out", "2 in", "2 out", "3 in", "3 out"]);
  }));

test("withLock() does not hold up other keys", () =>
  withTempFolder(async (home) => {
    const result = await withLock(home, "a", undefined, () =>
      withLock(home, "b", undefined, () =>
        "inner"));
    assert.equal(result, "inner");
  }));

test("withLock() passes on what the work throws, and lets go", () =>
  withTempFolder(async (home) => {
    await assert.rejects(
      withLock(home, "k", undefined, () => Promise.reject(new Error("stop"))),
      /stop/,
    );
    assert.equal(await withLock(home, "k", undefined, () => 1), 1);
  }));

test("withLock() ends the wait when its signal fires, and those behind still get their turn", () =>
  withTempFolder(async (home) => {
    const controller = new AbortController();
    const { promise: hold, resolve: letGo } = Promise.withResolvers<void>();
    const holder = withLock(home, "k", undefined, () => hold);
    const waiter = withLock(home, "k", controller.signal, () => assert.fail("must not run"));
    const behind = withLock(home, "k", undefined, () => "done");
    const reason = new Error("cancelled");
    controller.abort(reason);
    await assert.rejects(waiter, (error) => error === reason);
    letGo();
    await holder;
    assert.equal(await behind, "done");
    await assert.rejects(
      withLock(home, "k", controller.signal, () => assert.fail("must not run")),
      reason,
    );
  }));

test("withLock() says STORE_UNWRITABLE where it cannot make its file", () =>
  withTempFolder(async (home) => {
    writeFileSync(join(home, "locks"), "");
    await assert.rejects(withLock(home, "k", undefined, () => 1), { code: "STORE_UNWRITABLE" });
  }));

test("takeLock() gives a shared lock to many, and any other to one alone", () =>
  withTempFolder(async (home) => {
    const tryIt = async (shared: boolean): Promise<boolean> => {
      using lock = await takeLock(home, "k", { shared, wait: false });
      return lock !== undefined;
    };
    {
      using _one = await takeLock(home, "k", { shared: true, wait: false });
      using two = await takeLock(home, "k", { shared: true, wait: false });
      assert.ok(two !== undefined);
      assert.deepEqual([await tryIt(true), await tryIt(false)], [true, false]);
    }
    {
      using _alone = await takeLock(home, "k", { wait: false });
      assert.deepEqual([await tryIt(true), await tryIt(false)], [false, false]);
      assert.ok(await withLock(home, "other", undefined, () => tryIt(false)) === false);
    }
    assert.deepEqual([await tryIt(true), await tryIt(false)], [true, true]);
  }));

test("takeLock() waits until the lock is free, or its signal fires", () =>
  withTempFolder(async (home) => {
    for (const [held, wanted] of [[false, true], [true, false], [false, false]] as const) {
      const lock = await takeLock(home, "k", { shared: held, wait: true });
      const abort = new AbortController();
      const given = takeLock(home, "k", { shared: wanted, wait: true, signal: abort.signal });
      abort.abort(new Error("enough"));
      await assert.rejects(given, /enough/);
      const waiting = takeLock(home, "k", { shared: wanted, wait: true });
      setTimeout(() => lock?.[Symbol.dispose](), 20);
      using taken = await waiting;
      assert.ok(taken !== undefined);
    }
  }));
