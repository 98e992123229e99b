import { fireEvent, screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cut } from "./fake-api";
import { anEdge, anOrigin, aReport, withCheck } from "./health";
import { pages } from "./page";

const WEST = "/health/stamps/westeurope/stamp";
const NORTH = "/health/stamps/northeurope/stamp";
const EDGE = "/_control/status";

describe("the status view", () => {
  const { fake, open } = pages();
  const json = (body: unknown) => () => new Response(JSON.stringify(body));
  const node = (id: string) => document.querySelector(`[data-node="${id}"]`) as SVGElement;
  const stamp = (id: string) => document.querySelector(`[data-stamp="${id}"]`) as SVGElement;

  beforeEach(() => {
    window.STAMPS = ["West Europe", "North Europe"];
    window.EDGE_STATUS_URL = `http://catalog.test${EDGE}`;
    fake().others.set(WEST, json(aReport("West Europe")));
    fake().others.set(NORTH, json(aReport("North Europe")));
    fake().others.set(EDGE, () =>
      json(
        anEdge(Date.now(), [
          anOrigin("westeurope"),
          anOrigin("northeurope", { probes: [200, 503, "refused"] }),
        ]),
      )(),
    );
  });
  afterEach(() => {
    window.STAMPS = [];
    window.EDGE_STATUS_URL = "";
  });

  /** The view comes as a part of its own: a test waits for that, too. */
  async function status() {
    const page = await open("#/status");
    await import("../src/views/StatusView");
    await page.wait(300);
    return page;
  }

  it("draws the edge, each stamp with its parts, and the database", async () => {
    await status();
    expect(screen.getByText("Both regions are healthy.")).toBeTruthy();
    const names = screen.getAllByRole("button").map((button) => button.getAttribute("aria-label") ?? "");
    expect(names.filter((name) => /Europe|Edge|Database/.test(name))).toEqual([
      "Edge, routes to all 2: Healthy.",
      ...["West Europe", "North Europe"].flatMap((region) => [
        `${region}, Healthy.`,
        `API: Healthy, in ${region}.`,
        `Queue, 3 waiting: Healthy, in ${region}.`,
        `Processor: Healthy, in ${region}.`,
        `Storage, 12 ms: Healthy, in ${region}.`,
        `Dead letters: Healthy, in ${region}.`,
        `Operator, lets in: Healthy, in ${region}.`,
      ]),
      "Database, shared by all regions: Healthy. Reads: Healthy, writes: Healthy.",
    ]);
    expect(document.title).toBe("Status · AlwaysOn Catalog");
  });

  it("shows the edge's last looks at a stamp", async () => {
    await status();
    expect(
      screen.getByRole("img", { name: "The edge's last 3 probes: 1 passed, 2 failed. in rotation." }),
    ).toBeTruthy();
  });

  it("opens the details of a box with the keyboard, and closes them again", async () => {
    const { wait } = await status();
    const queue = node("westeurope/queue");
    // In a drawing the attribute must be spelt like this to have an effect.
    expect(queue.getAttribute("tabindex")).toBe("0");
    fireEvent.keyDown(queue, { key: "Enter" });
    await wait();
    expect(screen.getByRole("heading", { name: "Queue in West Europe: healthy" })).toBeTruthy();
    expect(screen.getByText("2 partitions")).toBeTruthy();
    expect(screen.getByText(/1 behind, 1 up to date. Waiting: 3 in 0/)).toBeTruthy();
    expect(node("westeurope/queue").getAttribute("aria-pressed")).toBe("true");
    fireEvent.keyDown(node("westeurope/queue"), { key: " " });
    await wait();
    expect(screen.getByText(/Choose a box/)).toBeTruthy();
  });

  it.each([
    ["edge", /^Edge$/, /5 of 7/],
    ["database", /^Database: healthy/, /North Europe, write: healthy/],
    ["northeurope", /^North Europe: healthy/, /Browse: healthy/],
    ["westeurope/api", /^API in West Europe/, /in rotation/],
  ])("knows details of %s", async (id, heading, words) => {
    const { wait } = await status();
    fireEvent.click(node(id));
    await wait();
    const details = within(document.getElementById("details") as HTMLElement);
    expect(details.getByRole("heading", { level: 2 }).textContent?.trim()).toMatch(heading);
    expect(details.getAllByText(words).length).toBeGreaterThan(0);
  });

  it("draws a stamp that is gone as gone, says so once, and draws it anew when it is back", async () => {
    const { wait } = await status();
    fake().others.set(NORTH, () => new Response("", { status: 502 }));
    fake().others.set(EDGE, () =>
      json(
        anEdge(Date.now(), [
          anOrigin("westeurope"),
          anOrigin("northeurope", { healthy: false, probes: ["refused"] }),
        ]),
      )(),
    );
    await wait(2100);
    expect(stamp("northeurope").getAttribute("data-light")).toBe("unreachable");
    expect(stamp("westeurope").getAttribute("data-light")).toBe("healthy");
    expect(screen.getByText("1 of 2 regions is healthy. The service goes on.")).toBeTruthy();
    expect(screen.getByText("North Europe: Unreachable.").getAttribute("role")).toBe("status");
    expect(node("edge").getAttribute("aria-label")).toBe("Edge, routes around 1 of 2: Degraded.");
    fireEvent.click(node("northeurope"));
    await wait();
    expect(screen.getByText(/What it said last, at .*, is below/)).toBeTruthy();

    fake().others.set(NORTH, json(aReport("North Europe")));
    await wait(2100);
    expect(stamp("northeurope").getAttribute("data-light")).toBe("healthy");
    expect(screen.getByText("North Europe: Healthy.").getAttribute("role")).toBe("status");
  });

  it("tells a red part from its stamp", async () => {
    fake().others.set(WEST, json(withCheck(aReport("West Europe"), "processor-heartbeat", "unhealthy")));
    await status();
    expect(node("westeurope/processor").getAttribute("data-light")).toBe("unhealthy");
    expect(node("westeurope/queue").getAttribute("data-light")).toBe("healthy");
  });

  it("keeps the picture when nobody answers, and says how old it is", async () => {
    const { wait } = await status();
    for (const path of [WEST, NORTH, EDGE]) {
      fake().others.set(path, cut);
    }
    await wait(12_000);
    expect(screen.getByText(/Nobody answers any more. This picture is \d+ seconds old./)).toBeTruthy();
    expect(stamp("northeurope").getAttribute("data-light")).toBe("healthy");
    fake().others.set(WEST, json(aReport("West Europe")));
    fireEvent.click(screen.getByRole("button", { name: "Try now" }));
    await wait();
    expect(screen.queryByText(/Nobody answers/)).toBeNull();
    expect(stamp("northeurope").getAttribute("data-light")).toBe("unreachable");
  });

  it("says the same as a table", async () => {
    fake().others.set(NORTH, () => new Response("", { status: 502 }));
    const { wait } = await status();
    fireEvent.click(screen.getByText("The same as a table"));
    (document.querySelector("details") as HTMLDetailsElement).open = true;
    await wait();
    const rows = screen.getAllByRole("row").map((row) => row.textContent?.replace(/\s+/g, " ").trim());
    expect(rows[0]).toBe("ComponentWest EuropeNorth Europe");
    expect(rows[1]).toBe("Region Healthy Unreachable");
    expect(rows).toContain("Events waiting3–");
  });

  it("draws requests, latency and lag of each region", async () => {
    const end = Math.floor(Date.now() / 1000);
    fake().others.set(EDGE, () =>
      json(anEdge(Date.now(), [anOrigin("westeurope", { seconds: [[end - 4, 20, 5, 4, 9]] })]))(),
    );
    await status();
    expect(
      screen.getByRole("img", {
        name: "Requests in West Europe: 2.0 a second now, 5 failed in the last two minutes.",
      }),
    ).toBeTruthy();
    expect(
      screen.getByRole("img", { name: "Latency in West Europe: median 4 ms, 95th percentile 9 ms now." }),
    ).toBeTruthy();
    expect(
      screen.getByRole("img", { name: "Events waiting in the queue of North Europe: 3 waiting." }),
    ).toBeTruthy();
  });

  it("without an edge that tells, says that the charts are this page's own", async () => {
    window.EDGE_STATUS_URL = "";
    await status();
    expect(screen.getByText(/the requests of this page alone/)).toBeTruthy();
    expect(screen.queryByRole("img", { name: /probes/ })).toBeNull();
    expect(stamp("westeurope").getAttribute("data-light")).toBe("healthy");
  });
});
