import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "../../../core/oci/digest.ts";
import { bootId, processToken } from "../../../core/store/process_token.ts";
import { withTempStore } from "../../support/temp_store.ts";

const A = sha256("a");
const B = sha256("b");

test("a lease is live until it is disposed", () =>
  withTempStore(({ leases }) => {
    {
      using lease = leases.acquire([A]);
      lease.add(B);
      lease.add(B);
      const live = leases.live();
      assert.ok(live.every(({ leaseId }) => leaseId === lease.id));
      assert.deepEqual(live.map(({ resource }) => resource).sort(), [A, B, undefined].sort());
    }
    assert.deepEqual(leases.live(), []);
  }));

test("two leases of one thing end each for itself", () =>
  withTempStore(({ leases }) => {
    using _one = leases.acquire([A]);
    const two = leases.acquire([A]);
    two[Symbol.dispose]();
    assert.equal(leases.live().filter(({ resource }) => resource === A).length, 1);
  }));

test("a lease that expired is void, and add() renews one", () =>
  withTempStore(({ leases, database }) => {
    using renewed = leases.acquire();
    leases.acquire([A]);
    database.run("UPDATE leases SET expires = 1");
    renewed.add(B);
    assert.deepEqual(new Set(leases.live().map(({ leaseId }) => leaseId)), new Set([renewed.id]));
    assert.equal(database.get("SELECT count(*) AS n FROM leases WHERE resource = ?", A)?.n, 0);
  }));

test("a lease of a process that is gone is void (needs Linux)", {
  skip: bootId() === undefined && "needs Linux",
}, () =>
  withTempStore(({ leases, database }) => {
    leases.acquire([A]);
    database.run("UPDATE leases SET holder = ?", processToken().replace(/_\d+$/, "_1"));
    assert.deepEqual(leases.live(), []);
    assert.equal(database.get("SELECT count(*) AS n FROM leases")?.n, 0);
  }));
