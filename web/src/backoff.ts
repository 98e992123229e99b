/** How long to wait before trying again. */
export interface Backoff {
  readonly firstMs: number;
  readonly factor: number;
  readonly mostMs: number;
}

/**
 * Milliseconds to wait after `failures` tries that failed (1 or more). Half of it is chance: clients that an outage
 * threw back at the same moment must not come again at the same moment. Never earlier than the service asked for.
 */
export function waitAfter(failures: number, backoff: Backoff, random: () => number, askedMs = 0): number {
  const full = Math.min(backoff.mostMs, backoff.firstMs * backoff.factor ** (failures - 1));
  return Math.round(Math.max(askedMs, full / 2) + (random() * full) / 2);
}
