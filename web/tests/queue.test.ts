import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApi } from "../src/api/client";
import { obstacle, WriteQueue } from "../src/writes/queue";
import { apiTransport } from "../src/writes/transport";
import type { Draft, Write } from "../src/writes/write";
import { BASE, cut, FakeApi, problem } from "./fake-api";
import { PNG } from "./files";
import { MemoryKeeper } from "./memory";

const POST_COMMENT = /POST .*comments/;
const DAY = 24 * 3600 * 1000;

describe("the write queue", () => {
  let fake: FakeApi;
  let keeper: MemoryKeeper;
  let apiKey: string | null;
  let queue: WriteQueue;
  let itemId: string;

  function open(): WriteQueue {
    const transport = apiTransport(createApi(BASE, fake.fetch), () => apiKey);
    return new WriteQueue(transport, keeper, () => 0.5);
  }

  function comment(text = "Good."): Draft {
    return { kind: "comment", itemId, body: { authorName: "Ada", text } };
  }

  function stateOf(write: Write): string | undefined {
    return queue.writes.value.find((one) => one.key === write.key)?.state;
  }

  function found(write: Write): Write {
    return queue.writes.value.find((one) => one.key === write.key) as Write;
  }

  const posts = () => fake.requests("POST", /comments/);
  const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 10, 25) });
    fake = new FakeApi();
    keeper = new MemoryKeeper();
    apiKey = null;
    itemId = fake.item("Metropolis").id;
    queue = open();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("takes a write from waiting over accepted to saved", async () => {
    const states: (string | undefined)[] = [];
    queue.writes.subscribe(() => states.push(queue.writes.value[0]?.state));
    const write = queue.add(comment());
    await settle(1000);
    expect(states).toEqual(["waiting", "sending", "accepted", "saved"]);
    expect(fake.comments.map((one) => one.text)).toEqual(["Good."]);
    expect(posts()[0]?.headers.get("Idempotency-Key")).toBe(write.key);
  });

  it("asks what became of it no sooner than the service said", async () => {
    queue.add(comment());
    await settle(999);
    expect(fake.requests("GET", /operations/)).toHaveLength(0);
    await settle(1);
    expect(fake.requests("GET", /operations/)).toHaveLength(1);
  });

  it("asks less and less often while an operation is pending, and never stops", async () => {
    fake.outcome = { status: "pending" };
    const write = queue.add(comment());
    await settle(60_000);
    const inTheFirstMinute = fake.requests("GET", /operations/).length;
    expect(inTheFirstMinute).toBeGreaterThan(6);
    expect(inTheFirstMinute).toBeLessThan(20);
    await settle(3600_000);
    expect(stateOf(write)).toBe("accepted");
    fake.outcome = { status: "succeeded" };
    await settle(10_000);
    expect(stateOf(write)).toBe("saved");
  });

  it.each([
    ["no network", cut],
    ["429", () => problem(429, "Busy.", { "Retry-After": "1" })],
    ["502", () => problem(502, "No origin.")],
    ["503", () => problem(503, "The queue does not answer.", { "Retry-After": "1" })],
  ])("sends again with the same key after: %s", async (_, answer) => {
    fake.script.push({ where: POST_COMMENT, answer }, { where: POST_COMMENT, answer });
    const write = queue.add(comment());
    await settle();
    expect(stateOf(write)).toBe("waiting");
    expect(obstacle(queue.writes.value)).toBeTruthy();
    await settle(10_000);
    expect(stateOf(write)).toBe("saved");
    expect(obstacle(queue.writes.value)).toBeUndefined();
    expect(posts().map((one) => one.headers.get("Idempotency-Key"))).toEqual([
      write.key,
      write.key,
      write.key,
    ]);
    expect(fake.comments).toHaveLength(1);
  });

  it("has one effect when the answer to an accepted write is lost", async () => {
    fake.script.push({ where: POST_COMMENT, answer: cut, reach: true });
    queue.add(comment());
    await settle(10_000);
    expect(posts()).toHaveLength(2);
    expect(fake.comments).toHaveLength(1);
  });

  it("waits at least as long as Retry-After asks", async () => {
    fake.script.push({ where: POST_COMMENT, answer: () => problem(503, "Later.", { "Retry-After": "20" }) });
    queue.add(comment());
    await settle(19_999);
    expect(posts()).toHaveLength(1);
    await settle(1000);
    expect(posts()).toHaveLength(2);
  });

  it("goes on without end, but never more than some thirty seconds apart", async () => {
    const script = Array.from({ length: 40 }, () => ({ where: POST_COMMENT, answer: cut }));
    fake.script.push(...script);
    const write = queue.add(comment());
    await settle(3600_000);
    expect(stateOf(write)).toBe("saved");
    expect(fake.comments).toHaveLength(1);
  });

  it("tries at once when woken", async () => {
    fake.script.push({ where: POST_COMMENT, answer: () => problem(503, "Later.", { "Retry-After": "60" }) });
    const write = queue.add(comment());
    await settle();
    queue.wake();
    await settle();
    expect(stateOf(write)).toBe("accepted");
  });

  it("sends nothing twice when woken while a request is on its way", async () => {
    queue.add(comment());
    queue.wake();
    queue.wake();
    await settle();
    expect(posts()).toHaveLength(1);
  });

  it("asks nothing twice when woken while the question is on its way", async () => {
    const slowly = () => new Promise<Response>((resolve) => setTimeout(() => resolve(problem(503, "")), 500));
    fake.script.push({ where: /GET .*operations/, answer: slowly });
    queue.add(comment());
    await settle(1100);
    queue.wake();
    queue.wake();
    await settle(100);
    expect(fake.requests("GET", /operations/)).toHaveLength(1);
  });

  it.each([
    [400, "text: too long", "text: too long"],
    [404, "There is nothing here.", "This does not exist, or not any more."],
    [409, "The key was used for another body.", "The key was used for another body."],
    [413, "More than 64 KiB.", "More than 64 KiB."],
  ])("fails for good on %i, with a reason a person can read", async (status, detail, words) => {
    fake.script.push({ where: POST_COMMENT, answer: () => problem(status, detail) });
    const write = queue.add(comment());
    await settle(60_000);
    expect(found(write)).toMatchObject({ state: "failed", failure: { message: words } });
    expect(posts()).toHaveLength(1);
  });

  it.each([
    ["unknown-item", "The item does not exist any more.", false],
    ["precondition-failed", "Somebody changed this item in the meantime.", true],
    ["superseded", "A newer change came through another region.", true],
    ["a reason of tomorrow", "The service could not carry it out.", false],
  ])("tells why an operation failed: %s", async (reason, message, conflict) => {
    fake.outcome = { status: "failed", reason };
    const write = queue.add(comment());
    await settle(1000);
    expect(found(write).failure).toMatchObject({ message, conflict });
  });

  it("fails when the service does not know the operation any more", async () => {
    fake.script.push({ where: /GET .*operations/, answer: () => problem(404, "Nothing.") });
    const write = queue.add(comment());
    await settle(1000);
    expect(found(write).failure?.message).toContain("does not know any more");
  });

  it("keeps asking through an outage of the operation resource", async () => {
    fake.script.push(...Array.from({ length: 12 }, () => ({ where: /GET .*operations/, answer: cut })));
    const write = queue.add(comment());
    await settle(120_000);
    expect(stateOf(write)).toBe("saved");
  });

  it("sends the writes of one item in order, and those of another beside them", async () => {
    const other = fake.item("Nosferatu").id;
    fake.script.push({ where: POST_COMMENT, answer: () => problem(503, "Later.") });
    const first = queue.add(comment("first"));
    const second = queue.add(comment("second"));
    const elsewhere = queue.add({ ...comment("elsewhere"), itemId: other } as Draft);
    await settle();
    expect([stateOf(first), stateOf(second), stateOf(elsewhere)]).toEqual(["waiting", "waiting", "accepted"]);
    await settle(5000);
    const texts = fake.comments.filter((one) => one.catalogItemId === itemId).map((one) => one.text);
    expect(texts).toEqual(["first", "second"]);
  });

  it("lets the next go when the one before it failed or was discarded", async () => {
    fake.script.push({ where: POST_COMMENT, answer: () => problem(400, "No.") });
    queue.add(comment("refused"));
    const second = queue.add(comment("second"));
    await settle(2000);
    expect(stateOf(second)).toBe("saved");

    fake.script.push({ where: POST_COMMENT, answer: () => problem(503, "Later.", { "Retry-After": "600" }) });
    const stuck = queue.add(comment("stuck"));
    const behind = queue.add(comment("behind"));
    await settle();
    queue.forget(stuck.key);
    await settle(2000);
    expect(stateOf(behind)).toBe("saved");
    expect(fake.comments.map((one) => one.text)).not.toContain("stuck");
  });

  it("survives a reload before the first try", async () => {
    fake.script.push({ where: POST_COMMENT, answer: cut });
    const write = queue.add(comment());
    await settle();
    const kept = new Map(keeper.kept);
    keeper = new MemoryKeeper();
    for (const one of kept.values()) {
      keeper.keep(one);
    }
    queue = open();
    queue.start();
    await settle(2000);
    expect(stateOf(write)).toBe("saved");
    expect(keeper.kept.size).toBe(0);
    expect(new Set(posts().map((one) => one.headers.get("Idempotency-Key")))).toEqual(new Set([write.key]));
  });

  it("has one effect when the page was closed while the request was on its way", async () => {
    const write = queue.add(comment());
    // The first page is gone at this moment: its storage says `sending`, its request arrives all the same.
    const atClosing = keeper.all();
    await settle();
    keeper = new MemoryKeeper();
    for (const one of atClosing) {
      keeper.keep({ ...one, state: "sending" });
    }
    queue = open();
    queue.start();
    await settle(2000);
    expect(stateOf(write)).toBe("saved");
    expect(posts()).toHaveLength(2);
    expect(fake.comments).toHaveLength(1);
  });

  it("goes on asking after a reload of a page whose write was accepted", async () => {
    fake.outcome = { status: "pending" };
    const write = queue.add(comment());
    await settle(1000);
    fake.outcome = { status: "succeeded" };
    queue = open();
    queue.start();
    await settle();
    expect(stateOf(write)).toBe("saved");
    expect(posts()).toHaveLength(1);
  });

  it("does not send what is so old that its key may be forgotten", async () => {
    keeper.keep({ ...queue.add(comment()), createdAt: Date.now() - 7 * DAY, key: "old" });
    await settle(1000);
    fake.seen.length = 0;
    queue = open();
    queue.start();
    await settle(60_000);
    expect(queue.writes.value.find((one) => one.key === "old")).toMatchObject({ state: "failed" });
    expect(posts()).toHaveLength(0);
  });

  it("keeps a failed write until it is discarded, for nobody else has the text", async () => {
    fake.script.push({ where: POST_COMMENT, answer: () => problem(400, "No.") });
    const write = queue.add(comment());
    await settle();
    expect(keeper.kept.get(write.key)).toMatchObject({ state: "failed", body: { text: "Good." } });
    queue.forget(write.key);
    expect(keeper.kept.size).toBe(0);
  });

  it("tries a failed write again as a new one", async () => {
    fake.script.push({ where: POST_COMMENT, answer: () => problem(400, "No.") });
    const write = queue.add(comment());
    await settle();
    const again = queue.tryAgain(write.key) as Write;
    await settle(1000);
    expect(again.key).not.toBe(write.key);
    expect(queue.writes.value).toHaveLength(1);
    expect(stateOf(again)).toBe("saved");
  });

  it("leaves a write alone that another page has ended, unless it is being sent here", async () => {
    fake.script.push({ where: POST_COMMENT, answer: cut });
    const waiting = queue.add(comment());
    await settle();
    queue.droppedElsewhere(waiting.key);
    expect(queue.writes.value).toHaveLength(0);

    const sending = queue.add(comment());
    queue.droppedElsewhere(sending.key);
    await settle(1000);
    expect(stateOf(sending)).toBe("saved");
  });

  it("sends administration with the key of the moment, and keeps neither", async () => {
    const body = { name: "M", description: "A film.", price: 5 };
    const locked = queue.add({ kind: "createItem", body });
    await settle();
    expect(found(locked).failure).toMatchObject({ keyRefused: true });
    expect(fake.seen).toHaveLength(0);

    apiKey = "wrong";
    const refused = queue.add({ kind: "createItem", body });
    await settle();
    expect(found(refused).failure).toMatchObject({ keyRefused: true });

    apiKey = fake.apiKey;
    const created = queue.add({ kind: "createItem", body });
    await settle(1000);
    expect(stateOf(created)).toBe("saved");
    expect(fake.items.map((one) => one.name)).toContain("M");
    expect(keeper.kept.size).toBe(0);
  });

  it("says that a change met another one", async () => {
    apiKey = fake.apiKey;
    const draft: Draft = { kind: "updateItem", itemId, body: { name: "Other" }, etag: '"0"' };
    const write = queue.add(draft);
    await settle();
    expect(found(write).failure).toMatchObject({ conflict: true });
    expect(fake.items[0]?.name).toBe("Metropolis");
  });

  it("takes a deletion that finds nothing left as done", async () => {
    apiKey = fake.apiKey;
    fake.script.push({ where: /DELETE/, answer: () => problem(404, "There is nothing here.") });
    const write = queue.add({ kind: "deleteItem", itemId, etag: '"1"' });
    await settle(1000);
    expect(stateOf(write)).toBe("saved");
  });

  it("does not take a deletion as done when nobody knows any more what became of it", async () => {
    apiKey = fake.apiKey;
    fake.script.push({ where: /GET .*operations/, answer: () => problem(404, "There is nothing here.") });
    const write = queue.add({ kind: "deleteItem", itemId, etag: '"1"' });
    await settle(1000);
    expect(found(write).failure?.message).toBe("The service does not know any more what became of it.");
  });

  it("deletes an item only as it was read", async () => {
    apiKey = fake.apiKey;
    const write = queue.add({ kind: "deleteItem", itemId, etag: '"7"' });
    await settle(1000);
    expect(found(write).failure?.conflict).toBe(true);
    expect(fake.items).toHaveLength(1);
  });

  it("sends an image with the key of its first try until it is accepted, and keeps it in no storage", async () => {
    apiKey = fake.apiKey;
    fake.script.push(
      { where: /PUT .*image/, answer: cut },
      { where: /PUT .*image/, answer: cut, reach: true },
    );
    const image = new Blob([PNG], { type: "image/png" });
    const write = queue.add({ kind: "uploadImage", itemId, image });
    await settle(5000);
    const puts = fake.requests("PUT", /image/);
    expect(puts).toHaveLength(3);
    expect(new Set(puts.map((one) => one.headers.get("Idempotency-Key"))).size).toBe(1);
    expect(puts[2]?.headers.get("Content-Type")).toBe("image/png");
    expect(puts[2]?.body).toBe(String.fromCharCode(...PNG));
    expect(stateOf(write)).toBe("saved");
    expect(fake.items[0]?.imageUrl).toBe(`/images/${itemId}`);
    expect(keeper.kept.size).toBe(0);
  });
});
