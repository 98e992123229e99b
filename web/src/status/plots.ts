import type { TrafficSecond } from "../traffic";
import type { LagSample } from "./monitor";

/** How many seconds a chart shows. */
export const SPAN_S = 120;
/** What counts as now: long enough to be a number, short enough to be true. */
const RECENT_S = 10;

/** A point of a line: seconds before the chart's end count negative. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** From seconds and values to pixels. */
export interface Scale {
  readonly width: number;
  readonly height: number;
  readonly most: number;
}

/** The requests of a second, on average over the last ten. */
export function requestsPerSecond(traffic: readonly TrafficSecond[], endS: number): number {
  const counted = traffic.filter((one) => one.second > endS - RECENT_S && one.second <= endS);
  return counted.reduce((sum, one) => sum + one.requests, 0) / RECENT_S;
}

/** What the last ten seconds met; undefined when they met nothing. */
export function latest(traffic: readonly TrafficSecond[], endS: number): TrafficSecond | undefined {
  const last = traffic.filter((one) => one.second <= endS).at(-1);
  return last && last.second > endS - RECENT_S ? last : undefined;
}

/** What is within the chart. */
export function inSpan(traffic: readonly TrafficSecond[], endS: number): readonly TrafficSecond[] {
  return traffic.filter((one) => one.second > endS - SPAN_S && one.second <= endS);
}

/** A round number that is no less, so that a chart's upper end can be read. */
export function niceMost(value: number): number {
  if (value <= 1) {
    return 1;
  }
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 3, 5, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}

function left(second: number, endS: number, { width }: Scale): number {
  return ((second - endS + SPAN_S) / SPAN_S) * width;
}

function high(value: number, { height, most }: Scale): number {
  return height - (Math.min(value, most) / most) * height;
}

/** Bars of the values from `from` up to `to`, one a second. */
export function bars(
  seconds: readonly TrafficSecond[],
  endS: number,
  scale: Scale,
  from: (one: TrafficSecond) => number,
  to: (one: TrafficSecond) => number,
): string {
  const wide = Math.max(1, scale.width / SPAN_S - 0.5);
  return seconds
    .filter((one) => to(one) > from(one))
    .map((one) => {
      const top = high(to(one), scale);
      const bottom = high(from(one), scale);
      // A single failure among thousands must still be seen.
      const tall = Math.max(bottom - top, 1.5);
      return `M${round(left(one.second, endS, scale) - wide)} ${round(bottom - tall)}h${round(wide)}v${round(tall)}h${round(-wide)}z`;
    })
    .join("");
}

/** A line through the points; it ends where nothing is known for longer than `gapS`. A lonely point is a dot. */
export function line(points: readonly Point[], endS: number, scale: Scale, gapS: number): string {
  let before: Point | undefined;
  return points
    .map((point) => {
      const at = `${round(left(point.x, endS, scale))} ${round(high(point.y, scale))}`;
      const joined = before !== undefined && point.x - before.x <= gapS;
      before = point;
      return joined ? `L${at}` : `M${at}h.01`;
    })
    .join("");
}

/** The queue's lag as points. */
export function lagPoints(lag: readonly LagSample[]): readonly Point[] {
  return lag.map(({ second, events }) => ({ x: second, y: events }));
}

/** A quantile's points; seconds without an answered request have none. */
export function latencyPoints(
  seconds: readonly TrafficSecond[],
  value: (one: TrafficSecond) => number,
): readonly Point[] {
  return seconds.filter((one) => one.requests > 0).map((one) => ({ x: one.second, y: value(one) }));
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}
