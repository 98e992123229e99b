import { describe, expect, it } from "vitest";
import { edgeOf } from "../src/status/edge";
import { layoutOf } from "../src/status/layout";
import type { StampView } from "../src/status/monitor";
import { databaseOf, duration, partsOf } from "../src/status/parts";
import { bars, line, niceMost, requestsPerSecond } from "../src/status/plots";
import { reportOf, worst } from "../src/status/report";
import { stampOf, TrafficMeter } from "../src/traffic";
import { aReport, withCheck } from "./health";

function aStamp(body: unknown, light?: StampView["light"]): StampView {
  const report = reportOf(body);
  const region = report?.region ?? "West Europe";
  return {
    stamp: stampOf(region),
    region,
    light: light ?? report?.light ?? "unreachable",
    report,
    reportAt: report && 0,
    lag: [],
    traffic: [],
  };
}

const lightOf = (stamp: StampView, id: string) => partsOf(stamp).find((part) => part.id === id)?.light;

describe("a report", () => {
  it.each([[undefined], [null], ["text"], [[]], [{}], [{ status: "healthy" }], [{ region: "West Europe" }]])(
    "is not %j",
    (body) => expect(reportOf(body)).toBeUndefined(),
  );

  it("may say next to nothing", () => {
    expect(reportOf({ status: "unknown", region: "West Europe" })).toMatchObject({
      light: "unknown",
      checks: [],
      flows: [],
    });
  });

  it("leaves out what it cannot read, and keeps the rest", () => {
    const body = {
      ...aReport("West Europe"),
      checks: [7, { component: "queue-send", status: "purple" }],
      queue: 3,
    };
    expect(reportOf(body)).toMatchObject({
      checks: [{ component: "queue-send", light: "unknown", durationMs: undefined }],
      queue: undefined,
    });
  });

  it("is drawn as the parts it reports on", () => {
    const parts = partsOf(aStamp(aReport("West Europe")));
    expect(parts.map((part) => `${part.label} ${part.light} ${part.figure}`.trim())).toEqual([
      "API healthy",
      "Queue healthy 3 waiting",
      "Processor healthy",
      "Storage healthy 12 ms",
      "Dead letters healthy",
      "Operator healthy lets in",
    ]);
  });

  it("may know components that this page has never heard of", () => {
    const body = aReport("West Europe");
    body.checks.push({ component: "search-index", status: "degraded", score: 0.7, durationMs: 1 });
    const part = partsOf(aStamp(body)).at(-1);
    expect(part).toMatchObject({ id: "search-index", label: "Search index", light: "degraded" });
  });

  it("has the worst of a part's checks decide", () => {
    const stamp = aStamp(withCheck(aReport("West Europe"), "queue-lag", "degraded"));
    expect(lightOf(stamp, "queue")).toBe("degraded");
    expect(lightOf(stamp, "processor")).toBe("healthy");
    expect(worst(["healthy", "unhealthy", "unknown"])).toBe("unhealthy");
  });

  it("shows a checkpoint beyond the log's end as red, whatever the checks say", () => {
    const queue = {
      lagEvents: 0,
      oldestWaitingS: null,
      partitions: [{ partition: "7", state: "beyond-log" }],
    };
    expect(lightOf(aStamp(aReport("West Europe", { queue })), "queue")).toBe("unhealthy");
  });

  it("of a stamp that is gone says nothing about now", () => {
    const stamp = aStamp(aReport("West Europe"), "unreachable");
    expect(new Set(partsOf(stamp).map((part) => part.light))).toEqual(new Set(["unreachable"]));
    expect(
      partsOf(stamp)
        .map((part) => part.figure)
        .join(""),
    ).toBe("");
  });

  it("tells how the shared database is, as far as anybody can see it", () => {
    const well = aStamp(aReport("West Europe"));
    const blind = aStamp(withCheck(aReport("North Europe"), "database-write", "unhealthy"));
    expect(databaseOf([well, blind])).toEqual({ light: "unhealthy", reads: "healthy", writes: "unhealthy" });
    expect(databaseOf([well, { ...blind, light: "unreachable" }]).light).toBe("healthy");
    expect(databaseOf([{ ...blind, light: "unreachable" }]).light).toBe("unknown");
  });
});

describe("the edge's status", () => {
  it.each([[undefined], ["text"], [{}], [{ now: "yesterday" }]])("is not %j", (body) =>
    expect(edgeOf(body)).toBeUndefined(),
  );

  it("leaves out rows that it cannot read", () => {
    const edge = edgeOf({
      now: "2026-11-25T12:00:00Z",
      originGroups: [
        { name: "api", origins: [{ name: "a", traffic: { seconds: [7, ["x"], [1, 2]] } }, null] },
      ],
    });
    expect(edge?.groups[0]?.origins).toMatchObject([
      { name: "a", healthy: false, probes: [], traffic: [{ second: 1, requests: 2, failed: 0 }] },
    ]);
  });
});

describe("the layout", () => {
  const inside = (width: number) => {
    const { stamps, edge, database, height } = layoutOf(width, [6, 6], true);
    const boxes = [edge, database, ...stamps.flatMap((stamp) => [stamp.box, stamp.probes, ...stamp.parts])];
    return boxes.every(
      (box) => box.x >= 0 && box.x + box.width <= width + 0.01 && box.y + box.height <= height,
    );
  };

  it.each([288, 360, 604, 700, 1170])("keeps everything inside %i pixels", (width) => {
    expect(inside(width)).toBe(true);
  });

  it("puts stamps side by side where there is room, one below another where not", () => {
    const wide = layoutOf(700, [6, 3], true).stamps.map((stamp) => stamp.box);
    expect(wide[0]?.y).toBe(wide[1]?.y);
    expect(wide[0]?.height).toBe(wide[1]?.height);
    const narrow = layoutOf(320, [6, 3], true).stamps.map((stamp) => stamp.box);
    expect(narrow[1]?.y).toBeGreaterThan((narrow[0]?.y ?? 0) + (narrow[0]?.height ?? 0));
  });
});

describe("charts", () => {
  const scale = { width: 120, height: 100, most: 10 };
  const second = (at: number, requests: number, failed = 0) => ({
    second: at,
    requests,
    failed,
    p50Ms: 1,
    p95Ms: 2,
  });

  it("count the requests of a second over the last ten", () => {
    expect(requestsPerSecond([second(80, 99), second(95, 10), second(100, 10), second(101, 99)], 100)).toBe(
      2,
    );
  });

  it("end on round numbers", () => {
    expect([0, 0.4, 1.2, 7, 12, 31, 480].map(niceMost)).toEqual([1, 1, 2, 10, 20, 50, 500]);
  });

  it("stand failures on the ground and answers upon them", () => {
    const seconds = [second(100, 10, 4)];
    const failed = bars(
      seconds,
      100,
      scale,
      () => 0,
      (one) => one.failed,
    );
    const answered = bars(
      seconds,
      100,
      scale,
      (one) => one.failed,
      (one) => one.requests,
    );
    expect(failed).toBe("M119 60h1v40h-1z");
    expect(answered).toBe("M119 0h1v60h-1z");
  });

  it("draw a single failure among thousands so that it is seen", () => {
    const big = { ...scale, most: 5000 };
    expect(
      bars(
        [second(100, 5000, 1)],
        100,
        big,
        () => 0,
        (one) => one.failed,
      ),
    ).toContain("v1.5");
  });

  it("break a line where nothing is known", () => {
    const points = [0, 1, 9].map((x) => ({ x, y: 5 }));
    expect(line(points, 120, scale, 3)).toBe("M0 50h.01L1 50M9 50h.01");
  });

  it("say times as people do", () => {
    expect([0.04, 3.14, 12.6, 999, 1234].map(duration)).toEqual([
      "0 ms",
      "3.1 ms",
      "13 ms",
      "999 ms",
      "1.2 s",
    ]);
  });
});

describe("the traffic meter", () => {
  it("counts what answered by region, and what nobody answered apart", async () => {
    let now = 1_000_000;
    const meter = new TrafficMeter(() => now);
    const answers = [
      () => new Response("", { headers: { "X-Server-Location": "West Europe" } }),
      () => new Response("", { status: 503, headers: { "X-Server-Location": "West Europe" } }),
      () => new Response("", { status: 404, headers: { "X-Server-Location": "North Europe" } }),
      () => {
        throw new TypeError("Failed to fetch");
      },
      () => {
        throw new DOMException("given up", "AbortError");
      },
    ];
    for (const answer of answers) {
      await meter
        .metered(async () => {
          now += 10;
          return answer();
        })("/")
        .catch(() => {});
    }
    const counts = (stamp: string) => meter.seconds(stamp).map(({ requests, failed }) => [requests, failed]);
    expect(counts("westeurope")).toEqual([[2, 1]]);
    expect(counts("northeurope")).toEqual([[1, 0]]);
    expect(counts("")).toEqual([[1, 1]]);
    now += 140_000;
    expect(meter.seconds("westeurope")).toEqual([]);
  });

  it("does not grow for ever", () => {
    let now = 0;
    const meter = new TrafficMeter(() => now);
    for (let count = 0; count < 20_000; count += 1) {
      now += 20;
      meter.record("West Europe", false, now);
    }
    const total = meter.seconds("westeurope").reduce((sum, one) => sum + one.requests, 0);
    expect(total).toBeGreaterThan(1000);
    expect(total).toBeLessThan(7000);
  });
});
