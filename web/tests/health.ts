/** What stamps and the edge say, as tests need it: all well unless told otherwise. */

/** The body of a stamp's `/health/stamp`. */
export function aReport(region: string, more: Record<string, unknown> = {}) {
  return {
    status: "healthy",
    score: 1,
    lastExecution: "2026-11-25T12:04:58.000000Z",
    region,
    stamp: region.toLowerCase().replaceAll(" ", ""),
    checks: [
      ...["database-read", "database-write", "queue-send", "processor-heartbeat", "checkpoint-storage"],
      ...["queue-lag", "dead-letters", "operator"],
    ].map((component) => ({ component, status: "healthy", score: 1, durationMs: 12.3 })),
    flows: ["browse", "write", "process"].map((flow) => ({ flow, status: "healthy", score: 1 })),
    queue: {
      lagEvents: 3,
      oldestWaitingS: 1.5,
      partitions: [
        { partition: "0", lagEvents: 3, checkpoint: 9, last: 12, state: "behind" },
        { partition: "1", lagEvents: 0, checkpoint: 7, last: 7, state: "ok" },
      ],
    },
    ...more,
  };
}

/** A check of another light than all the others. */
export function withCheck(report: ReturnType<typeof aReport>, component: string, status: string) {
  const checks = report.checks.map((check) => (check.component === component ? { ...check, status } : check));
  return { ...report, checks };
}

interface OriginOptions {
  readonly healthy?: boolean;
  readonly probes?: readonly (number | string)[];
  readonly seconds?: readonly (readonly number[])[];
}

/** One origin in the edge's status; probes by status or error. */
export function anOrigin(name: string, { healthy = true, probes = [200], seconds = [] }: OriginOptions = {}) {
  return {
    name,
    priority: 1,
    weight: 50,
    healthy,
    latencyMs: 3.1,
    probes: probes.map((probe, index) => ({
      at: `2026-11-25T12:04:${10 + index}.000Z`,
      status: typeof probe === "number" ? probe : null,
      ms: 2,
      error: typeof probe === "number" ? null : probe,
    })),
    traffic: { requests: 1, failed: 0, seconds },
  };
}

/** The edge's status at a time. */
export function anEdge(now: number, origins: readonly ReturnType<typeof anOrigin>[]) {
  return {
    now: new Date(now).toISOString(),
    originGroups: [
      {
        name: "api",
        allUnhealthy: origins.every((origin) => !origin.healthy),
        probe: {
          path: "/health/stamp",
          method: "HEAD",
          intervalInSeconds: 5,
          sampleSize: 4,
          successfulSamplesRequired: 3,
        },
        origins,
      },
    ],
    cache: { entries: 3, bytes: 1000, hits: 5, misses: 2 },
  };
}
