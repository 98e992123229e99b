import type { StampView } from "./monitor";
import { type Check, type Light, type Report, worst } from "./report";

/** One box inside a stamp. */
export interface Part {
  readonly id: string;
  readonly label: string;
  readonly light: Light;
  /** A figure for the box: `12 waiting`. */
  readonly figure: string;
  readonly checks: readonly Check[];
}

/** What a component of the report is drawn as, in the order in which a write meets them. */
const KNOWN: readonly { id: string; label: string; checks: readonly string[] }[] = [
  { id: "api", label: "API", checks: [] },
  { id: "queue", label: "Queue", checks: ["queue-send", "queue-lag"] },
  { id: "processor", label: "Processor", checks: ["processor-heartbeat"] },
  { id: "storage", label: "Storage", checks: ["checkpoint-storage", "checkpoints"] },
  { id: "dead-letters", label: "Dead letters", checks: ["dead-letters"] },
  { id: "operator", label: "Operator", checks: ["operator"] },
];

/** Those that all stamps share; drawn once, below them. */
const SHARED = ["database-read", "database-write"];

/** The boxes of a stamp: those it reports on, known or not, and those that every stamp has. */
export function partsOf(stamp: StampView): readonly Part[] {
  const { report, light } = stamp;
  const checks = report?.checks ?? [];
  const known = KNOWN.flatMap(({ id, label, checks: names }) => {
    const own = checks.filter((check) => names.includes(check.component));
    const always = id === "api" || id === "queue" || id === "processor";
    return always || own.length > 0 ? [{ id, label, checks: own }] : [];
  });
  const names = new Set([...SHARED, ...KNOWN.flatMap((part) => part.checks)]);
  const others = checks
    .filter((check) => !names.has(check.component))
    .map((check) => ({ id: check.component, label: sentence(check.component), checks: [check] }));
  return [...known, ...others].map((part) => ({
    ...part,
    light: light === "unreachable" ? "unreachable" : lightOf(part.id, part.checks, report),
    figure: light === "unreachable" ? "" : figureOf(part.id, part.checks, stamp),
  }));
}

function lightOf(id: string, checks: readonly Check[], report: Report | undefined): Light {
  if (!report) {
    return "unknown";
  }
  if (id === "api") {
    // It has just answered.
    return "healthy";
  }
  const lost = id === "queue" && report.queue?.partitions.some((one) => one.state === "beyond-log");
  return lost ? "unhealthy" : checks.length === 0 ? "unknown" : worst(checks.map((check) => check.light));
}

/** What of a part is worth a look at any time; the rest is in its details. */
function figureOf(id: string, checks: readonly Check[], { report, traffic }: StampView): string {
  const [check] = checks;
  switch (id) {
    case "api": {
      const latest = traffic.at(-1);
      return latest ? duration(latest.p50Ms) : "";
    }
    case "queue":
      return report?.queue ? `${report.queue.lagEvents} waiting` : "";
    case "operator":
      return check?.light === "healthy" ? "lets in" : "takes out";
    case "storage":
      return check?.durationMs === undefined ? "" : duration(check.durationMs);
    default:
      return "";
  }
}

/** The shared database as the stamps see it, reading and writing. */
export function databaseOf(stamps: readonly StampView[]): { light: Light; reads: Light; writes: Light } {
  const seeing = stamps.filter((stamp) => stamp.light !== "unreachable" && stamp.report);
  const lightIn = (name: string) => {
    const lights = seeing.map((stamp) => databaseLight(stamp, name));
    return lights.length === 0 ? ("unknown" as const) : worst(lights);
  };
  const reads = lightIn("database-read");
  const writes = lightIn("database-write");
  return { reads, writes, light: worst([reads, writes]) };
}

/** How one stamp sees the database; `name` is a check's. */
export function databaseLight({ report, light }: StampView, name: string): Light {
  if (light === "unreachable") {
    return "unreachable";
  }
  return report?.checks.find((check) => check.component === name)?.light ?? "unknown";
}

/** `38 ms`, `1.2 s`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** `database-read` as `Database read`. */
export function sentence(name: string): string {
  const words = name.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
