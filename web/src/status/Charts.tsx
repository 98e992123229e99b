import { Chart, Legend } from "./Chart";
import { Glyph } from "./Glyph";
import type { Picture, StampView } from "./monitor";
import { duration } from "./parts";
import { bars, inSpan, lagPoints, latencyPoints, latest, line, niceMost, requestsPerSecond } from "./plots";

// Longer than between two questions while the page is in view.
const LAG_GAP_S = 7;
const LATENCY_GAP_S = 3;

/** Requests, latency and lag of every region, each kind on one scale, so that regions can be compared by eye. */
export function Charts({ picture, own }: { readonly picture: Picture; readonly own: boolean }) {
  const { stamps, trafficEndS: end } = picture;
  const seconds = stamps.map((stamp) => inSpan(stamp.traffic, end));
  const all = seconds.flat();
  const most: Most = {
    requests: niceMost(Math.max(0, ...all.map((one) => one.requests))),
    latency: niceMost(Math.max(0, ...all.map((one) => one.p95Ms))),
    lag: niceMost(Math.max(0, ...stamps.flatMap((stamp) => stamp.lag.map((sample) => sample.events)))),
  };
  return (
    <section class="charts" aria-labelledby="charts-heading">
      <h2 id="charts-heading">The last two minutes</h2>
      {own && (
        <p class="field-hint">
          This edge tells nothing about its traffic: these are the requests of this page alone, its questions
          for health included.
        </p>
      )}
      {/* Here once: every chart refers to it. */}
      <svg class="visually-hidden" aria-hidden="true" focusable="false">
        <defs>
          <pattern
            id="hatch"
            width="4"
            height="4"
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect class="hatch-ground" width="4" height="4" />
            <path class="hatch-line" d="M0 0V4" />
          </pattern>
        </defs>
      </svg>
      <div class="charts-regions">
        {stamps.map((stamp, index) => (
          <RegionCharts
            key={stamp.stamp || index}
            stamp={stamp}
            seconds={seconds[index] ?? []}
            endS={end}
            most={most}
          />
        ))}
      </div>
    </section>
  );
}

interface Most {
  readonly requests: number;
  readonly latency: number;
  readonly lag: number;
}

interface RegionProps {
  readonly stamp: StampView;
  readonly seconds: StampView["traffic"];
  readonly endS: number;
  readonly most: Most;
}

function RegionCharts({ stamp, seconds, endS, most }: RegionProps) {
  const { region } = stamp;
  const failed = seconds.reduce((sum, one) => sum + one.failed, 0);
  const rate = requestsPerSecond(seconds, endS).toFixed(1);
  const recent = latest(seconds, endS);
  const lag = stamp.lag.at(-1)?.events;
  const waiting = stamp.light === "unreachable" || lag === undefined ? "not known" : `${lag} waiting`;
  const lagEnd = Math.floor(Date.now() / 1000);
  return (
    <article class="panel charts-region" data-charts={stamp.stamp} aria-label={`Charts of ${region}`}>
      <h3>
        <Glyph light={stamp.light} /> {region}
      </h3>
      <Chart
        title="Requests"
        now={`${rate}/s${failed > 0 ? `, ${failed} failed` : ""}`}
        most={most.requests}
        mostWords={`${most.requests}/s`}
        description={`Requests in ${region}: ${rate} a second now, ${failed} failed in the last two minutes.`}
        legend={
          <>
            <Legend kind="ok" words="answered" />
            <Legend kind="failed" words="failed" />
          </>
        }
        draw={(scale) => (
          <>
            <path
              class="chart-ok"
              d={bars(
                seconds,
                endS,
                scale,
                (one) => one.failed,
                (one) => one.requests,
              )}
            />
            <path
              class="chart-failed"
              d={bars(
                seconds,
                endS,
                scale,
                () => 0,
                (one) => one.failed,
              )}
            />
          </>
        )}
      />
      <Chart
        title="Latency"
        now={recent ? `${duration(recent.p50Ms)} / ${duration(recent.p95Ms)}` : "no requests"}
        most={most.latency}
        mostWords={duration(most.latency)}
        description={
          recent
            ? `Latency in ${region}: median ${duration(recent.p50Ms)}, 95th percentile ${duration(recent.p95Ms)} now.`
            : `Latency in ${region}: no requests now.`
        }
        legend={
          <>
            <Legend kind="p50" words="p50" />
            <Legend kind="p95" words="p95" />
          </>
        }
        draw={(scale) => (
          <>
            <path
              class="chart-p95"
              d={line(
                latencyPoints(seconds, (one) => one.p95Ms),
                endS,
                scale,
                LATENCY_GAP_S,
              )}
            />
            <path
              class="chart-p50"
              d={line(
                latencyPoints(seconds, (one) => one.p50Ms),
                endS,
                scale,
                LATENCY_GAP_S,
              )}
            />
          </>
        )}
      />
      <Chart
        title="Queue"
        now={waiting}
        most={most.lag}
        mostWords={`${most.lag} waiting`}
        description={`Events waiting in the queue of ${region}: ${waiting}.`}
        draw={(scale) => <path class="chart-p50" d={line(lagPoints(stamp.lag), lagEnd, scale, LAG_GAP_S)} />}
      />
    </article>
  );
}
