import { type Backoff, waitAfter } from "../backoff";
import { Store } from "../store";
import { stampOf, type TrafficMeter, type TrafficSecond } from "../traffic";
import { apiOrigin, type EdgeState, edgeOf } from "./edge";
import { type Light, type Report, reportOf } from "./report";

export interface LagSample {
  /** Since 1970, by this browser's clock. */
  readonly second: number;
  readonly events: number;
}

/** One stamp as it was last seen. */
export interface StampView {
  readonly stamp: string;
  readonly region: string;
  readonly light: Light;
  /** Its last report; of one that does not answer any more, how it was. */
  readonly report: Report | undefined;
  /** When that report came, in milliseconds since 1970. */
  readonly reportAt: number | undefined;
  readonly lag: readonly LagSample[];
  readonly traffic: readonly TrafficSecond[];
}

/** The whole system as it was last seen. */
export interface Picture {
  /** When anybody answered last, in milliseconds since 1970; undefined before the first answer. */
  readonly at: number | undefined;
  /** Rounds in a row in which nobody answered. */
  readonly failures: number;
  readonly stamps: readonly StampView[];
  /** What the edge told last, if it does. */
  readonly edge: EdgeState | undefined;
  readonly edgeAt: number | undefined;
  /** Where the two minutes of each stamp's traffic end, in seconds since 1970: by the clock of whoever counted it. */
  readonly trafficEndS: number;
}

interface Sources {
  /** Where the health of stamps is asked for: an origin, without a slash. */
  readonly origin: string;
  /** Names of regions; none: the one stamp behind the origin. */
  readonly regions: readonly string[];
  /** Where the edge tells about itself; empty: nowhere. */
  readonly edgeUrl: string;
}

type Answer = { readonly status: number; readonly body: unknown; readonly askedAt: number } | undefined;

const EVERY_MS = 2000;
const PATIENCE_MS = 6000;
const BACKOFF: Backoff = { firstMs: 3000, factor: 2, mostMs: 30_000 };
const KEPT_S = 130;

/** Looks at every stamp and at the edge every two seconds while somebody looks at it, and keeps the last picture. */
export class StatusMonitor {
  readonly picture: Store<Picture>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | undefined;
  #running = false;

  constructor(
    private readonly sources: Sources,
    private readonly fetchAnswer: typeof fetch,
    private readonly traffic: TrafficMeter,
    private readonly page: Pick<
      Document,
      "visibilityState" | "addEventListener" | "removeEventListener"
    > = document,
    private readonly random: () => number = Math.random,
  ) {
    const regions = sources.regions.length > 0 ? sources.regions : [""];
    this.picture = new Store<Picture>({
      at: undefined,
      failures: 0,
      stamps: regions.map(unseen),
      edge: undefined,
      edgeAt: undefined,
      trafficEndS: Date.now() / 1000,
    });
  }

  /** Begins to look; answers how to stop. */
  start(): () => void {
    this.#running = true;
    this.page.addEventListener("visibilitychange", this.#onVisibility);
    this.#onVisibility();
    return () => {
      this.#running = false;
      this.page.removeEventListener("visibilitychange", this.#onVisibility);
      this.#onVisibility();
    };
  }

  /** Looks at once, if it is not looking already. */
  readonly look = (): void => {
    if (this.#running && !this.#abort) {
      clearTimeout(this.#timer);
      void this.#round();
    }
  };

  readonly #onVisibility = (): void => {
    if (this.#running && this.page.visibilityState === "visible") {
      this.look();
    } else {
      clearTimeout(this.#timer);
      this.#abort?.abort();
      this.#abort = undefined;
    }
  };

  async #round(): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    const begun = Date.now();
    const { edgeUrl } = this.sources;
    const [edge, ...reports] = await Promise.all([
      edgeUrl === "" ? undefined : this.#ask(edgeUrl, abort.signal),
      ...this.picture.value.stamps.map((one) => this.#askStamp(one, abort.signal)),
    ]);
    if (abort.signal.aborted) {
      return;
    }
    this.#abort = undefined;
    const answered = edge !== undefined || reports.some((report) => report !== undefined);
    const failures = answered ? 0 : this.picture.value.failures + 1;
    this.picture.set(answered ? this.#drawn(edge, reports) : { ...this.picture.value, failures });
    const wait = answered
      ? Math.max(0, EVERY_MS - (Date.now() - begun))
      : waitAfter(failures, BACKOFF, this.random);
    this.#timer = setTimeout(this.look, wait);
  }

  #drawn(edgeAnswer: Answer, reports: readonly Answer[]): Picture {
    const before = this.picture.value;
    const now = Date.now();
    const told = edgeAnswer && edgeOf(edgeAnswer.body);
    const edge = told ?? before.edge;
    const stamps = before.stamps.map((stamp, index) => seen(stamp, reports[index], now));
    return {
      at: now,
      failures: 0,
      stamps: stamps.map((stamp) => ({
        ...stamp,
        traffic:
          this.sources.edgeUrl === ""
            ? this.traffic.seconds(stamp.stamp)
            : (apiOrigin(edge, stamp.stamp)?.traffic ?? []),
      })),
      edge,
      edgeAt: told ? now : before.edgeAt,
      // The second that has not ended yet would always look like a fall.
      trafficEndS: Math.floor(this.sources.edgeUrl === "" ? now / 1000 : (edge?.nowS ?? now / 1000)) - 1,
    };
  }

  async #askStamp({ stamp, region }: StampView, signal: AbortSignal): Promise<Answer> {
    const path = this.sources.regions.length === 0 ? "/health/stamp" : `/health/stamps/${stamp}/stamp`;
    const answer = await this.#ask(this.sources.origin + path, signal);
    if (answer && this.sources.edgeUrl === "") {
      // Without an edge that counts, our own questions are the pulse that the charts show.
      const report = reportOf(answer.body);
      this.traffic.record(report?.region ?? region, report === undefined, answer.askedAt);
    }
    return answer;
  }

  /** Any answer, whatever its status; undefined when none came. */
  async #ask(url: string, signal: AbortSignal): Promise<Answer> {
    const askedAt = Date.now();
    try {
      const answer = await this.fetchAnswer(url, {
        cache: "no-store",
        signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
      });
      const text = await answer.text();
      return { status: answer.status, body: parsed(text), askedAt };
    } catch (error) {
      if (error instanceof TypeError || error instanceof DOMException) {
        return undefined;
      }
      throw error;
    }
  }
}

function unseen(region: string): StampView {
  return {
    stamp: stampOf(region),
    region: region || "This region",
    light: "unknown",
    report: undefined,
    reportAt: undefined,
    lag: [],
    traffic: [],
  };
}

/** A stamp after one more question: an answer without a report is the edge's, for a stamp that gave none. */
function seen(before: StampView, answer: Answer, now: number): StampView {
  const report = answer && reportOf(answer.body);
  const second = Math.floor(now / 1000);
  const lag = before.lag.filter((sample) => sample.second >= second - KEPT_S);
  if (!report) {
    return { ...before, light: "unreachable", lag };
  }
  const { region, light, queue } = report;
  return {
    ...before,
    region,
    stamp: before.stamp || stampOf(region),
    light,
    report,
    reportAt: now,
    lag: queue ? [...lag, { second, events: queue.lagEvents }] : lag,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
