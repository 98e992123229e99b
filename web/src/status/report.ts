import { amount, record, records, text } from "./json";

/** A traffic light, and what a light can be besides: nobody knows, and nobody answers. */
export type Light = "healthy" | "degraded" | "unhealthy" | "unknown" | "unreachable";

/** What a stamp found when it looked at one of its components. */
export interface Check {
  readonly component: string;
  readonly light: Light;
  readonly score: number | undefined;
  readonly durationMs: number | undefined;
}

/** What people do with the service, and how well that goes. */
export interface Flow {
  readonly flow: string;
  readonly light: Light;
  readonly score: number | undefined;
}

export interface Partition {
  readonly partition: string;
  readonly lagEvents: number;
  /** `ok`, `behind`, `beyond-log`, `never-read`, or what later versions may say. */
  readonly state: string;
}

/** How far a stamp's processor is behind its queue. */
export interface Queue {
  readonly lagEvents: number;
  readonly oldestWaitingS: number | undefined;
  readonly partitions: readonly Partition[];
}

/** What a stamp says of itself: the body of `/health/stamp`. */
export interface Report {
  readonly region: string;
  readonly light: Light;
  readonly score: number | undefined;
  /** When the stamp looked at itself last, by its own clock. */
  readonly lastExecution: string | undefined;
  readonly checks: readonly Check[];
  readonly flows: readonly Flow[];
  readonly queue: Queue | undefined;
}

/** The report in an answer's body; undefined when it is something else, such as an edge's error page. */
export function reportOf(body: unknown): Report | undefined {
  const read = record(body);
  const region = text(read?.region);
  const status = text(read?.status);
  if (!read || !region || !status) {
    return undefined;
  }
  return {
    region,
    light: lightOf(status),
    score: amount(read.score),
    lastExecution: text(read.lastExecution),
    checks: records(read.checks).flatMap((check) => {
      const component = text(check.component);
      const durationMs = amount(check.durationMs);
      return component ? [{ component, ...judged(check), durationMs }] : [];
    }),
    flows: records(read.flows).flatMap((one) => {
      const flow = text(one.flow);
      return flow ? [{ flow, ...judged(one) }] : [];
    }),
    queue: queueOf(read.queue),
  };
}

function judged(one: Readonly<Record<string, unknown>>): { light: Light; score: number | undefined } {
  return { light: lightOf(text(one.status)), score: amount(one.score) };
}

function queueOf(value: unknown): Queue | undefined {
  const read = record(value);
  const lagEvents = amount(read?.lagEvents);
  if (!read || lagEvents === undefined) {
    return undefined;
  }
  return {
    lagEvents,
    oldestWaitingS: amount(read.oldestWaitingS),
    partitions: records(read.partitions).map((one) => ({
      partition: text(one.partition) ?? "?",
      lagEvents: amount(one.lagEvents) ?? 0,
      state: text(one.state) ?? "unknown",
    })),
  };
}

const LIGHTS: readonly Light[] = ["healthy", "degraded", "unknown", "unhealthy", "unreachable"];

function lightOf(status: string | undefined): Light {
  return status === "healthy" || status === "degraded" || status === "unhealthy" ? status : "unknown";
}

/** The worst of several lights; healthy when there is none. */
export function worst(lights: readonly Light[]): Light {
  return LIGHTS[Math.max(0, ...lights.map((light) => LIGHTS.indexOf(light)))] ?? "unknown";
}

export const WORDS: Readonly<Record<Light, string>> = {
  healthy: "Healthy",
  degraded: "Degraded",
  unhealthy: "Unhealthy",
  unknown: "Unknown",
  unreachable: "Unreachable",
};
