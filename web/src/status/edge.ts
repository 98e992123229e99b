import type { TrafficSecond } from "../traffic";
import { amount, type Json, record, records, text } from "./json";

/** One look of the edge at an origin. */
export interface EdgeProbe {
  readonly at: string;
  readonly passed: boolean;
  /** `200`, `503`, `refused`, … */
  readonly result: string;
  readonly ms: number | undefined;
}

/** A place where the edge can send a request. */
export interface Origin {
  readonly name: string;
  readonly healthy: boolean;
  readonly priority: number | undefined;
  readonly weight: number | undefined;
  readonly latencyMs: number | undefined;
  /** Newest last. */
  readonly probes: readonly EdgeProbe[];
  readonly traffic: readonly TrafficSecond[];
}

export interface OriginGroup {
  readonly name: string;
  readonly allUnhealthy: boolean;
  /** What is asked how often, in words. */
  readonly probe: string;
  readonly origins: readonly Origin[];
}

/** What the edge tells about itself. */
export interface EdgeState {
  /** Seconds since 1970 by the edge's own clock, to which its traffic belongs. */
  readonly nowS: number;
  readonly groups: readonly OriginGroup[];
  readonly cache: { readonly entries: number; readonly hits: number; readonly misses: number } | undefined;
}

/** The state in an answer's body; undefined when it is something else. */
export function edgeOf(body: unknown): EdgeState | undefined {
  const read = record(body);
  const now = Date.parse(text(read?.now) ?? "");
  if (!read || Number.isNaN(now)) {
    return undefined;
  }
  const cache = record(read.cache);
  return {
    nowS: now / 1000,
    groups: records(read.originGroups).map(groupOf),
    cache: cache && {
      entries: amount(cache.entries) ?? 0,
      hits: amount(cache.hits) ?? 0,
      misses: amount(cache.misses) ?? 0,
    },
  };
}

/** The origin that is a stamp's API. */
export function apiOrigin(edge: EdgeState | undefined, stamp: string): Origin | undefined {
  return edge?.groups.find((group) => group.name === "api")?.origins.find((origin) => origin.name === stamp);
}

function groupOf(group: Json): OriginGroup {
  const probe = record(group.probe);
  return {
    name: text(group.name) ?? "?",
    allUnhealthy: group.allUnhealthy === true,
    probe: probe
      ? `${text(probe.method) ?? "HEAD"} ${text(probe.path) ?? "/"} every ${amount(probe.intervalInSeconds) ?? "?"} s, ` +
        `${amount(probe.successfulSamplesRequired) ?? "?"} of ${amount(probe.sampleSize) ?? "?"} must pass`
      : "not probed",
    origins: records(group.origins).map(originOf),
  };
}

function originOf(origin: Json): Origin {
  const seconds = record(origin.traffic)?.seconds;
  return {
    name: text(origin.name) ?? "?",
    healthy: origin.healthy === true,
    priority: amount(origin.priority),
    weight: amount(origin.weight),
    latencyMs: amount(origin.latencyMs),
    probes: records(origin.probes).map((probe) => {
      const status = amount(probe.status);
      return {
        at: text(probe.at) ?? "",
        passed: status === 200,
        result: status?.toString() ?? text(probe.error) ?? "no answer",
        ms: amount(probe.ms),
      };
    }),
    traffic: Array.isArray(seconds) ? seconds.flatMap((row) => secondOf(row) ?? []) : [],
  };
}

function secondOf(row: unknown): TrafficSecond | undefined {
  const [second, requests, failed, p50Ms, p95Ms] = Array.isArray(row) ? row.map(amount) : [];
  return second === undefined
    ? undefined
    : { second, requests: requests ?? 0, failed: failed ?? 0, p50Ms: p50Ms ?? 0, p95Ms: p95Ms ?? 0 };
}
