/** One second of one region's traffic, as charts draw it. */
export interface TrafficSecond {
  /** Since 1970. */
  readonly second: number;
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

interface Met {
  readonly second: number;
  readonly region: string;
  readonly failed: boolean;
  readonly ms: number;
}

const KEPT_S = 130;
const MOST = 5000;

/**
 * What this page's own requests met, by the region that answered: all that a page can know where no edge tells it. The
 * region stands in the answer; a request that nobody answered belongs to none.
 */
export class TrafficMeter {
  #met: Met[] = [];

  constructor(private readonly now: () => number = () => Date.now()) {}

  /** A `fetch` whose requests are counted. */
  metered(fetchAnswer: typeof fetch): typeof fetch {
    return async (input, init) => {
      const begun = this.now();
      try {
        const answer = await fetchAnswer(input, init);
        this.record(answer.headers.get("X-Server-Location"), answer.status >= 500, begun);
        return answer;
      } catch (error) {
        // What we gave up ourselves says nothing about the service.
        if (!(error instanceof DOMException && error.name === "AbortError")) {
          this.record(null, true, begun);
        }
        throw error;
      }
    };
  }

  /** Counts one request; times are milliseconds since 1970. */
  record(region: string | null, failed: boolean, begun: number): void {
    const ended = this.now();
    const second = Math.floor(ended / 1000);
    this.#met.push({ second, region: stampOf(region ?? ""), failed, ms: ended - begun });
    if (this.#met.length > MOST || (this.#met[0]?.second ?? second) < second - 2 * KEPT_S) {
      this.#met = this.#met.slice(-MOST / 2).filter((one) => one.second >= second - KEPT_S);
    }
  }

  /** The last two minutes of one stamp, second by second; seconds without a request are left out. */
  seconds(stamp: string): readonly TrafficSecond[] {
    const oldest = Math.floor(this.now() / 1000) - KEPT_S;
    const bySecond = new Map<number, Met[]>();
    for (const one of this.#met) {
      if (one.region === stamp && one.second >= oldest) {
        bySecond.set(one.second, [...(bySecond.get(one.second) ?? []), one]);
      }
    }
    return [...bySecond].sort(([one], [other]) => one - other).map(([second, met]) => summary(second, met));
  }
}

/** What a stamp is called in addresses: its region in lower case without spaces. */
export function stampOf(region: string): string {
  return region.toLowerCase().replaceAll(" ", "");
}

function summary(second: number, met: readonly Met[]): TrafficSecond {
  const times = met.map((one) => one.ms).sort((one, other) => one - other);
  const quantile = (share: number) => times[Math.ceil(share * times.length) - 1] ?? 0;
  const failed = met.filter((one) => one.failed).length;
  return { second, requests: met.length, failed, p50Ms: quantile(0.5), p95Ms: quantile(0.95) };
}
