import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApi, nextQuery } from "../src/api/client";
import { ApiError, errorOf, retryAfterOf } from "../src/api/errors";
import { waitAfter } from "../src/backoff";
import { BASE, cut, FakeApi, problem } from "./fake-api";

describe("the next page", () => {
  it.each([
    ['</api/1.0/catalogitem?limit=2&continuation=a%2Bb>; rel="next"', { limit: "2", continuation: "a+b" }],
    ["</x?continuation=c>; rel=next", { continuation: "c" }],
    ['</x?p=1>; rel="prev", </x?continuation=d>; rel="next"', { continuation: "d" }],
  ])("is what the Link header says: %s", (link, query) => {
    expect(nextQuery(link)).toEqual(query);
  });

  it.each([null, "", '</x?p=1>; rel="prev"', "nonsense"])("does not exist for: %s", (link) => {
    expect(nextQuery(link)).toBeNull();
  });
});

describe("the wait before another try", () => {
  const backoff = { firstMs: 100, factor: 2, mostMs: 1000 };

  it("doubles up to its limit, half of it by chance", () => {
    const least = [1, 2, 3, 4, 5, 6].map((failures) => waitAfter(failures, backoff, () => 0));
    const most = [1, 2, 3, 4, 5, 6].map((failures) => waitAfter(failures, backoff, () => 1));
    expect(least).toEqual([50, 100, 200, 400, 500, 500]);
    expect(most).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  it("is never shorter than the service asks, and still not the same for everybody", () => {
    expect(waitAfter(1, backoff, () => 0, 5000)).toBe(5000);
    expect(waitAfter(1, backoff, () => 1, 5000)).toBeGreaterThan(5000);
  });
});

describe("errors", () => {
  it("speak to people and keep the reference", () => {
    const response = problem(503, "cosmos: 408 sub-status 20008");
    const error = errorOf(response, {
      title: "Service Unavailable",
      status: 503,
      detail: "x",
      correlationId: "abc",
    });
    expect(error.message).toBe("The service is not available at the moment.");
    expect(error.details.reference).toBe("abc");
    expect(error.passing).toBe(true);
  });

  it("name the fields that are wrong", () => {
    const body = { title: "Bad Request", status: 400, detail: "Rules.", errors: { price: "too high" } };
    const error = errorOf(problem(400, ""), body);
    expect(error.details.fields).toEqual({ price: "too high" });
    expect(error.passing).toBe(false);
  });

  it("have words for an answer that is no problem document", () => {
    expect(errorOf(new Response("<html>", { status: 502 }), "<html>").message).toContain("not available");
    expect(errorOf(new Response("", { status: 418 }), "").message).toBe("The service answered 418.");
  });

  it("read Retry-After in seconds only", () => {
    expect(retryAfterOf("3")).toBe(3000);
    expect(retryAfterOf("Wed, 25 Nov 2026 10:00:00 GMT")).toBeUndefined();
    expect(retryAfterOf(null)).toBeUndefined();
  });
});

describe("reading", () => {
  let fake: FakeApi;

  beforeEach(() => {
    vi.useFakeTimers();
    fake = new FakeApi();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("asks below the address of the deployment", async () => {
    const asked: string[] = [];
    const api = createApi("https://elsewhere.test/shop/api", async (input) => {
      asked.push((input as Request).url);
      return new Response("[]", { headers: { "Content-Type": "application/json" } });
    });
    await api.listItems();
    expect(asked).toEqual(["https://elsewhere.test/shop/api/1.0/catalogitem?limit=100"]);
  });

  it("follows the list to its end, and every page is asked for as the service wrote it", async () => {
    for (let index = 0; index < 5; index += 1) {
      fake.item(`Film ${index}`);
    }
    fake.pageSize = 2;
    const api = createApi(BASE, fake.fetch);
    const names: string[] = [];
    let page = await api.listItems();
    names.push(...page.entries.map((item) => item.name));
    while (page.next) {
      page = await api.listItems(page.next);
      names.push(...page.entries.map((item) => item.name));
    }
    expect(names).toEqual(["Film 0", "Film 1", "Film 2", "Film 3", "Film 4"]);
    expect(fake.seen.map((one) => one.path)).toEqual([
      "/catalogitem?limit=100",
      "/catalogitem?limit=2&continuation=2",
      "/catalogitem?limit=2&continuation=4",
    ]);
  });

  it("is tried again through a short outage", async () => {
    const { id } = fake.item("Metropolis");
    fake.script.push({ where: /GET/, answer: cut }, { where: /GET/, answer: () => problem(503, "Later.") });
    const reading = createApi(BASE, fake.fetch).getItem(id);
    await vi.runAllTimersAsync();
    expect((await reading).etag).toBe('"1"');
    expect(fake.seen).toHaveLength(3);
  });

  it("gives up after some tries, with the reason", async () => {
    fake.script.push(...Array.from({ length: 9 }, () => ({ where: /GET/, answer: cut })));
    const reading = createApi(BASE, fake.fetch)
      .listItems()
      .catch((error: unknown) => error);
    await vi.runAllTimersAsync();
    const error = await reading;
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).message).toBe("The service cannot be reached.");
    expect(fake.seen).toHaveLength(4);
  });

  it("does not repeat what cannot succeed", async () => {
    const reading = createApi(BASE, fake.fetch)
      .getItem("none")
      .catch((error: ApiError) => error.status);
    await vi.runAllTimersAsync();
    expect(await reading).toBe(404);
    expect(fake.seen).toHaveLength(1);
  });

  it("takes a page that is no JSON for an error, not for data", async () => {
    const answer = () => new Response("<!doctype html>", { headers: { "Content-Type": "text/html" } });
    fake.script.push(...Array.from({ length: 4 }, () => ({ where: /GET/, answer })));
    const reading = createApi(BASE, fake.fetch)
      .listItems()
      .catch((one: unknown) => one);
    await vi.runAllTimersAsync();
    expect(await reading).toBeInstanceOf(ApiError);
  });

  it("stops when nobody waits any more", async () => {
    fake.script.push(...Array.from({ length: 9 }, () => ({ where: /GET/, answer: cut })));
    const abort = new AbortController();
    const reading = createApi(BASE, fake.fetch)
      .listItems(undefined, { signal: abort.signal })
      .catch((error: Error) => error.name);
    await vi.advanceTimersByTimeAsync(10);
    abort.abort();
    await vi.runAllTimersAsync();
    expect(await reading).toBe("AbortError");
    expect(fake.seen).toHaveLength(1);
  });
});
