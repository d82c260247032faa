import assert from "node:assert/strict";
import { test } from "node:test";
import { Semaphore } from "../../../core/solve/schedule.ts";

test("Semaphore.run() lets no more than the limit work at once, and serves in order", async () => {
  const semaphore = new Semaphore(2);
  let working = 0;
  let most = 0;
  const order: number[] = [];
  await Promise.all([0, 1, 2, 3, 4].map((number) =>
    semaphore.run(async () => {
      order.push(number);
      most = Math.max(most, ++working);
      await Promise.resolve();
      working--;
    })
  ));
  assert.equal(most, 2);
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
});

test("Semaphore.run() frees its place when the work fails", async () => {
  const semaphore = new Semaphore(1);
  await assert.rejects(semaphore.run(() => Promise.reject(new Error("no"))), /no/);
  assert.equal(await semaphore.run(() => Promise.resolve("next")), "next");
});
