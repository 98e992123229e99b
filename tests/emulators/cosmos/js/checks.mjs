// The checklist through @azure/cosmos. Prints one JSON line for each check: {name, ok, error}.
import assert from "node:assert/strict";
import { BulkOperationType, ChangeFeedStartFrom, CosmosClient, PatchOperationType } from "@azure/cosmos";

const [endpoint, key, west, north] = process.argv.slice(2);

const client = new CosmosClient({
  endpoint,
  key,
  consistencyLevel: "Session",
  connectionPolicy: { useMultipleWriteLocations: true, preferredLocations: [west, north], requestTimeout: 2000 },
});

async function control(method, path, body) {
  const answer = await fetch(`${endpoint}_control/${path}`, { method, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
}

async function refused(code, promise) {
  try {
    await promise;
  } catch (error) {
    assert.equal(error.code, code, error.message);
    return error;
  }
  return assert.fail(`expected ${code}`);
}

async function filled(container, count) {
  for (let n = 0; n < count; n += 1) {
    await container.items.create({ id: `i${n}`, pk: n % 2 ? "b" : "a", n, name: `name${n % 3}` });
  }
}

const checks = {
  "6 databases": async ({ database }) => {
    await refused(409, client.databases.create({ id: database.id }));
    const { resources } = await client.databases.query(`SELECT * FROM r WHERE r.id = '${database.id}'`).fetchAll();
    assert.deepEqual(resources.map((one) => one.id), [database.id]);
    await refused(404, client.database("none").read());
  },
  "7 containers": async ({ database }) => {
    const { container, resource } = await database.containers.createIfNotExists({
      id: "made", partitionKey: { paths: ["/pk"] }, defaultTtl: 100, maxThroughput: 4000,
    });
    assert.equal(resource.partitionKey.version, 2);
    assert.equal((await database.containers.createIfNotExists({ id: "made", partitionKey: "/pk" })).statusCode, 200);
    assert.equal((await container.read()).resource.defaultTtl, 100);
    assert.equal((await container.delete()).statusCode, 204);
  },
  "8 throughput": async ({ container }) => {
    const { offer, resource } = await container.readOffer();
    assert.equal(resource.content.offerThroughput, 400);
    const changed = await offer.replace({ ...resource, content: { ...resource.content, offerThroughput: 1000 } });
    assert.equal(changed.resource.content.offerThroughput, 1000);
  },
  "4 odd ids": async ({ container }) => {
    for (const id of ["a b", "50%", "a+b", "x&y=z", "é", "日本"]) {
      await container.items.create({ id, pk: id });
      assert.equal((await container.item(id, id).read()).resource.id, id);
      assert.equal((await container.item(id, id).delete()).statusCode, 204);
    }
  },
  "11 items": async ({ container }) => {
    const created = await container.items.create({ id: "1", pk: "a" });
    assert.equal(created.statusCode, 201);
    await refused(409, container.items.create({ id: "1", pk: "a" }));
    assert.equal((await container.items.upsert({ id: "1", pk: "a", n: 1 })).statusCode, 200);
    const missing = await container.item("2", "a").read();
    assert.deepEqual([missing.statusCode, missing.resource], [404, undefined]);
    await refused(412, container.item("1", "a").replace(
      { id: "1", pk: "a" }, { accessCondition: { type: "IfMatch", condition: created.etag } },
    ));
    assert.equal((await container.item("1", "a").delete()).statusCode, 204);
  },
  "18 patch": async ({ container }) => {
    await container.items.create({ id: "1", pk: "a", n: 1, list: [1], from: 2 });
    const { resource } = await container.item("1", "a").patch([
      { op: PatchOperationType.incr, path: "/n", value: 2 },
      { op: PatchOperationType.add, path: "/list/-", value: 2 },
      { op: "move", from: "/from", path: "/to" },
    ]);
    assert.deepEqual([resource.n, resource.list, resource.to], [3, [1, 2], 2]);
    const more = { operations: [{ op: "set", path: "/n", value: 9 }], condition: "from c where c.n = 3" };
    assert.equal((await container.item("1", "a").patch(more)).resource.n, 9);
    await refused(412, container.item("1", "a").patch(more));
  },
  "25 batch": async ({ container }) => {
    const create = (id) => ({ operationType: BulkOperationType.Create, resourceBody: { id, pk: "a" } });
    const { result } = await container.items.batch([create("1"), create("2")], "a");
    assert.deepEqual(result.map((one) => one.statusCode), [201, 201]);
    const failed = await container.items.batch([create("3"), create("1")], "a");
    assert.deepEqual([failed.code, failed.result.map((one) => one.statusCode)], [207, [424, 409]]);
    assert.equal((await container.item("3", "a").read()).statusCode, 404);
  },
  "25 bulk": async ({ container }) => {
    const operations = [];
    for (let n = 0; n < 150; n += 1) {
      operations.push({ operationType: "Create", partitionKey: `p${n % 7}`, resourceBody: { id: `${n}`, pk: `p${n % 7}` } });
    }
    operations.push({ operationType: "Create", partitionKey: "p0", resourceBody: { id: "0", pk: "p0" } });
    const results = await container.items.executeBulkOperations(operations);
    assert.equal(results.filter((one) => one.response?.statusCode === 201).length, 150);
    assert.equal((await container.items.query("SELECT VALUE COUNT(1) FROM c").fetchAll()).resources[0], 150);
  },
  "24 time to live": async ({ database }) => {
    const { container } = await database.containers.create({ id: "short", partitionKey: "/pk", defaultTtl: 1 });
    await container.items.create({ id: "1", pk: "a" });
    await new Promise((resolve) => { setTimeout(resolve, 1100); });
    assert.equal((await container.item("1", "a").read()).statusCode, 404);
  },
  "28 queries": async ({ container }) => {
    await filled(container, 10);
    const all = async (query, options) => (await container.items.query(query, options).fetchAll()).resources;
    assert.deepEqual(await all({
      query: "SELECT VALUE c.n FROM c WHERE c.n > @n ORDER BY c.n DESC", parameters: [{ name: "@n", value: 6 }],
    }), [9, 8, 7]);
    assert.deepEqual(await all("SELECT VALUE COUNT(1) FROM c"), [10]);
    assert.deepEqual(await all("SELECT VALUE AVG(c.n) FROM c"), [4.5]);
    assert.equal((await all("SELECT DISTINCT c.name FROM c")).length, 3);
    assert.deepEqual((await all("SELECT c.name, COUNT(1) AS n FROM c GROUP BY c.name")).map((one) => one.n), [4, 3, 3]);
    assert.deepEqual(await all("SELECT TOP 2 VALUE c.n FROM c ORDER BY c.n"), [0, 1]);
    assert.deepEqual(await all("SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 3 LIMIT 2", { forceQueryPlan: true }), [3, 4]);
    assert.deepEqual(await all("SELECT VALUE c.n FROM c", { partitionKey: "b" }), [1, 3, 5, 7, 9]);
  },
  "30 paging": async ({ container }) => {
    await filled(container, 10);
    const seen = [];
    let token;
    do {
      const options = { maxItemCount: 3, continuationToken: token };
      const page = await container.items.query("SELECT VALUE c.n FROM c ORDER BY c.name", options).fetchNext();
      seen.push(...page.resources);
      token = page.continuationToken;
    } while (token);
    assert.deepEqual(seen, [0, 3, 6, 9, 1, 4, 7, 2, 5, 8]);
  },
  "32 wrong query": async ({ container }) => {
    await refused(400, container.items.query("SELEC * FROM c").fetchAll());
  },
  "34 reading everything": async ({ container }) => {
    await filled(container, 5);
    assert.equal((await container.items.readAll().fetchAll()).resources.length, 5);
  },
  "35 change feed": async ({ container }) => {
    await filled(container, 4);
    const drain = async (iterator) => {
      const ids = [];
      let page;
      do {
        page = await iterator.readNext();
        ids.push(...page.result.map((one) => one.id));
      } while (page.statusCode !== 304);
      return [ids, page.continuationToken];
    };
    const [ids, token] = await drain(container.items.getChangeFeedIterator({
      changeFeedStartFrom: ChangeFeedStartFrom.Beginning(), maxItemCount: 3,
    }));
    assert.deepEqual(ids, ["i0", "i1", "i2", "i3"]);
    const [ofKey] = await drain(container.items.getChangeFeedIterator({
      changeFeedStartFrom: ChangeFeedStartFrom.Beginning("b"),
    }));
    assert.deepEqual(ofKey, ["i1", "i3"]);
    const fromNow = container.items.getChangeFeedIterator({ changeFeedStartFrom: ChangeFeedStartFrom.Now() });
    assert.equal((await fromNow.readNext()).statusCode, 304);
    await container.items.create({ id: "later", pk: "a" });
    assert.deepEqual((await fromNow.readNext()).result.map((one) => one.id), ["later"]);
    const [resumed] = await drain(container.items.getChangeFeedIterator({
      changeFeedStartFrom: ChangeFeedStartFrom.Continuation(token),
    }));
    assert.deepEqual(resumed, ["later"]);
  },
  "38 session token": async ({ container }) => {
    const { headers } = await container.items.create({ id: "1", pk: "a" });
    assert.match(headers["x-ms-session-token"], /^0:-1#\d+$/);
    assert.equal((await container.item("1", "a").read()).statusCode, 200);
  },
  "39 throttled": async ({ container }) => {
    const rule = { fault: "status", match: { resource: "document" }, args: { status: 429, retryAfterMs: 5 }, count: 3 };
    await control("POST", "faults", rule);
    assert.equal((await container.items.create({ id: "1", pk: "a" })).statusCode, 201);
  },
  "40 503 moves on": async ({ container }) => {
    await control("POST", "faults", { fault: "status", match: { region: west, resource: "document" }, args: { status: 503 } });
    assert.equal((await container.items.create({ id: "1", pk: "a" })).statusCode, 201);
    assert.equal((await container.item("1", "a").read()).statusCode, 200);
    await control("DELETE", "faults");
  },
  "41 silence moves reads on": async ({ container }) => {
    await control("POST", "faults", { fault: "silence", match: { region: west, resource: "document" } });
    const { statusCode } = await container.item("1", "a").read();
    assert.equal(statusCode, 404);
    await control("DELETE", "faults");
  },
};

const { database } = await client.databases.create({ id: `js-${Date.now()}` });
let number = 0;
for (const [name, check] of Object.entries(checks)) {
  let error = null;
  number += 1;
  try {
    const { container } = await database.containers.create({ id: `c${number}`, partitionKey: { paths: ["/pk"] } });
    await check({ database, container });
  } catch (failure) {
    error = `${failure.stack ?? failure}`;
  }
  console.log(JSON.stringify({ name, ok: error === null, error }));
}
process.exit(0);
