import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StatusMonitor } from "../src/status/monitor";
import { TrafficMeter } from "../src/traffic";
import { anEdge, anOrigin, aReport } from "./health";

const NOW = Date.UTC(2026, 10, 25, 12, 5);

/** A document that can go out of sight. */
class Page extends EventTarget {
  visibilityState: DocumentVisibilityState = "visible";
  turn(to: DocumentVisibilityState) {
    this.visibilityState = to;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

describe("the status monitor", () => {
  let answers: Map<string, () => Response | Promise<Response>>;
  let asked: string[];
  let page: Page;
  let traffic: TrafficMeter;

  const fetchAnswer = (async (input: string) => {
    const url = new URL(input, "http://catalog.test");
    asked.push(url.pathname);
    const answer = answers.get(url.pathname);
    return answer ? answer() : new Response("Not here.", { status: 404 });
  }) as typeof fetch;

  const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
  const refuse = () => {
    throw new TypeError("Failed to fetch");
  };

  function open(sources: Partial<ConstructorParameters<typeof StatusMonitor>[0]> = {}) {
    const regions = ["West Europe", "North Europe"];
    const all = { origin: "http://catalog.test", regions, edgeUrl: "/_control/status", ...sources };
    return new StatusMonitor(all, fetchAnswer, traffic, page as unknown as Document, () => 0.5);
  }

  const lights = (monitor: StatusMonitor) => monitor.picture.value.stamps.map((stamp) => stamp.light);
  const wait = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    vi.useFakeTimers({ now: NOW });
    asked = [];
    page = new Page();
    traffic = new TrafficMeter();
    answers = new Map<string, () => Response | Promise<Response>>([
      ["/health/stamps/westeurope/stamp", () => json(aReport("West Europe"))],
      ["/health/stamps/northeurope/stamp", () => json(aReport("North Europe"))],
      ["/_control/status", () => json(anEdge(Date.now(), [anOrigin("westeurope"), anOrigin("northeurope")]))],
    ]);
  });
  afterEach(() => vi.useRealTimers());

  it("asks every stamp and the edge, every two seconds", async () => {
    const monitor = open();
    const stop = monitor.start();
    await wait();
    expect(asked.sort()).toEqual([
      "/_control/status",
      "/health/stamps/northeurope/stamp",
      "/health/stamps/westeurope/stamp",
    ]);
    await wait(4000);
    expect(asked).toHaveLength(9);
    expect(lights(monitor)).toEqual(["healthy", "healthy"]);
    expect(monitor.picture.value.edge?.groups[0]?.origins).toHaveLength(2);
    stop();
    await wait(10_000);
    expect(asked).toHaveLength(9);
  });

  it("asks nothing while nobody looks, and at once when somebody does again", async () => {
    const stop = open().start();
    await wait();
    page.turn("hidden");
    await wait(60_000);
    expect(asked).toHaveLength(3);
    page.turn("visible");
    await wait();
    expect(asked).toHaveLength(6);
    stop();
  });

  it("takes a 503 with a report as what the stamp says", async () => {
    const report = aReport("West Europe", { status: "unhealthy", score: 0.2 });
    answers.set("/health/stamps/westeurope/stamp", () => json(report, 503));
    const monitor = open();
    monitor.start();
    await wait();
    expect(lights(monitor)).toEqual(["unhealthy", "healthy"]);
  });

  it.each([
    ["the edge's 502", () => new Response("The origin did not answer.", { status: 502 })],
    ["a 503 without a report", () => json({ error: "OriginUnreachable" }, 503)],
    ["a page that is no report", () => new Response("<!doctype html>")],
    ["silence", refuse],
  ])("keeps a stamp that gives %s, as unreachable, with what it said last", async (_, answer) => {
    const monitor = open();
    monitor.start();
    await wait();
    answers.set("/health/stamps/northeurope/stamp", answer);
    await wait(2000);
    expect(lights(monitor)).toEqual(["healthy", "unreachable"]);
    const gone = monitor.picture.value.stamps[1];
    expect(gone?.report?.region).toBe("North Europe");
    expect(gone?.reportAt).toBe(NOW);
    answers.set("/health/stamps/northeurope/stamp", () => json(aReport("North Europe")));
    await wait(2000);
    expect(lights(monitor)).toEqual(["healthy", "healthy"]);
  });

  it("keeps the last picture when nobody answers, and asks less and less often", async () => {
    const monitor = open();
    monitor.start();
    await wait();
    for (const path of answers.keys()) {
      answers.set(path, refuse);
    }
    await wait(2000);
    expect(lights(monitor)).toEqual(["healthy", "healthy"]);
    expect(monitor.picture.value).toMatchObject({ at: NOW, failures: 1 });
    asked.length = 0;
    await wait(60_000);
    const rounds = asked.length / 3;
    expect(rounds).toBeGreaterThan(2);
    expect(rounds).toBeLessThan(8);
    answers.set("/_control/status", () => json(anEdge(Date.now(), [])));
    monitor.look();
    await wait();
    expect(monitor.picture.value.failures).toBe(0);
    expect(lights(monitor)).toEqual(["unreachable", "unreachable"]);
  });

  it("does not wait for ever, nor ask twice at a time", async () => {
    answers.set("/health/stamps/northeurope/stamp", () => new Promise(() => {}));
    const monitor = open();
    // `fetch` of this test does not hear the signal: what counts is that no second round begins before the first ends.
    monitor.start();
    await wait(5000);
    monitor.look();
    expect(asked).toHaveLength(3);
  });

  it("says how old the edge's part is when the edge falls silent", async () => {
    const monitor = open();
    monitor.start();
    await wait();
    answers.set("/_control/status", () => new Response("gone", { status: 500 }));
    await wait(4000);
    expect(monitor.picture.value.at).toBe(NOW + 4000);
    expect(monitor.picture.value.edgeAt).toBe(NOW);
    expect(monitor.picture.value.edge).toBeDefined();
  });

  it("takes traffic and its time from the edge, whose clock may differ", async () => {
    const second = NOW / 1000 - 3600;
    answers.set("/_control/status", () =>
      json(anEdge(NOW - 3600_000, [anOrigin("westeurope", { seconds: [[second - 5, 9, 2, 4.1, 9.5]] })])),
    );
    const monitor = open();
    monitor.start();
    await wait();
    expect(monitor.picture.value.trafficEndS).toBe(second - 1);
    expect(monitor.picture.value.stamps[0]?.traffic).toEqual([
      { second: second - 5, requests: 9, failed: 2, p50Ms: 4.1, p95Ms: 9.5 },
    ]);
    expect(monitor.picture.value.stamps[1]?.traffic).toEqual([]);
  });

  it("without an edge that tells, counts its own questions", async () => {
    answers.set("/health/stamps/northeurope/stamp", () => new Response("", { status: 502 }));
    const monitor = open({ edgeUrl: "" });
    monitor.start();
    await wait(2000);
    expect(asked).not.toContain("/_control/status");
    const counted = monitor.picture.value.stamps.map((stamp) =>
      stamp.traffic.map(({ requests, failed }) => [requests, failed]),
    );
    expect(counted).toEqual([
      [
        [1, 0],
        [1, 0],
      ],
      [
        [1, 1],
        [1, 1],
      ],
    ]);
  });

  it("shows the one stamp that answers when no regions are named", async () => {
    answers.set("/health/stamp", () => json(aReport("Sweden Central")));
    const monitor = open({ regions: [], edgeUrl: "" });
    monitor.start();
    await wait();
    expect(asked).toEqual(["/health/stamp"]);
    expect(monitor.picture.value.stamps).toMatchObject([
      { region: "Sweden Central", stamp: "swedencentral", light: "healthy" },
    ]);
  });

  it("remembers the lag of two minutes", async () => {
    const monitor = open();
    monitor.start();
    await wait(180_000);
    const lag = monitor.picture.value.stamps[0]?.lag ?? [];
    expect(lag.length).toBeGreaterThan(58);
    expect(lag.length).toBeLessThan(70);
    expect(lag.at(-1)).toEqual({ second: NOW / 1000 + 180, events: 3 });
  });
});
