import type { ComponentChildren } from "preact";
import { counted } from "../format";
import { apiOrigin, type OriginGroup } from "./edge";
import { Glyph } from "./Glyph";
import type { Picture, StampView } from "./monitor";
import { databaseOf, duration, type Part, partsOf, sentence } from "./parts";
import { type Check, type Light, type Partition, type Queue, WORDS } from "./report";

interface Props {
  readonly picture: Picture;
  readonly selected: string | undefined;
}

/** What is known of the box that was chosen. */
export function Details({ picture, selected }: Props) {
  return (
    <section class="panel details" id="details" aria-labelledby="details-heading">
      {chosen(picture, selected) ?? (
        <>
          <h2 id="details-heading">Details</h2>
          <p class="field-hint">Choose a box of the picture to see what is known of it.</p>
        </>
      )}
    </section>
  );
}

function chosen(picture: Picture, selected: string | undefined): ComponentChildren {
  if (selected === "edge") {
    return <EdgeDetails picture={picture} />;
  }
  if (selected === "database") {
    return <DatabaseDetails picture={picture} />;
  }
  const [name, partId] = selected?.split("/") ?? [];
  const stamp = picture.stamps.find((one) => one.stamp === name);
  const part = stamp && partsOf(stamp).find((one) => one.id === partId);
  if (stamp && part) {
    return <PartDetails picture={picture} stamp={stamp} part={part} />;
  }
  return stamp && selected === stamp.stamp ? <StampDetails stamp={stamp} /> : undefined;
}

function Heading({ light, children }: { readonly light: Light; readonly children: ComponentChildren }) {
  return (
    <h2 id="details-heading">
      <Glyph light={light} /> {children}: {WORDS[light].toLowerCase()}
    </h2>
  );
}

/** Facts as pairs; those without a value are left out. */
function Facts({ facts }: { readonly facts: readonly (readonly [string, string | undefined])[] }) {
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

function Lights({ of }: { readonly of: readonly { name: string; light: Light; more: string }[] }) {
  return (
    <ul class="lights">
      {of.map(({ name, light, more }) => (
        <li key={name}>
          <Glyph light={light} />
          <span>
            {name}: {WORDS[light].toLowerCase()}
          </span>
          {more && <span class="field-hint">{more}</span>}
        </li>
      ))}
    </ul>
  );
}

function checkWords(check: Check): string {
  const score = check.score === undefined ? "" : `score ${percent(check.score)}`;
  const took = check.durationMs === undefined ? "" : `looked at in ${duration(check.durationMs)}`;
  return [score, took].filter(Boolean).join(", ");
}

function percent(score: number): string {
  return `${Math.round(score * 100)} %`;
}

function StampDetails({ stamp }: { readonly stamp: StampView }) {
  const { report, reportAt, light, region } = stamp;
  return (
    <>
      <Heading light={light}>{region}</Heading>
      {light === "unreachable" && (
        <p>
          It gives no report.{" "}
          {report && reportAt !== undefined
            ? `What it said last, at ${timeOf(reportAt)}, is below.`
            : "It has given none since this page was opened."}
        </p>
      )}
      <Facts
        facts={[
          ["Score", report?.score === undefined ? undefined : percent(report.score)],
          ["Looked at itself", report?.lastExecution && timeOf(report.lastExecution)],
          ["Waiting in its queue", report?.queue && counted(report.queue.lagEvents, "event")],
        ]}
      />
      {report && report.flows.length > 0 && (
        <>
          <h3>Flows</h3>
          <Lights
            of={report.flows.map((flow) => ({
              name: sentence(flow.flow),
              light: flow.light,
              more: flow.score === undefined ? "" : `score ${percent(flow.score)}`,
            }))}
          />
        </>
      )}
      {report && report.checks.length > 0 && (
        <>
          <h3>Components</h3>
          <Lights
            of={report.checks.map((check) => ({
              name: sentence(check.component),
              light: check.light,
              more: checkWords(check),
            }))}
          />
        </>
      )}
    </>
  );
}

/** A time of today, in this browser's zone. */
function timeOf(time: string | number): string | undefined {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? undefined : date.toLocaleTimeString("en", { hourCycle: "h23" });
}

const MEANING: Readonly<Record<string, string>> = {
  api: "Takes requests: reads go to the database, writes into the queue.",
  queue: "Keeps each accepted write until the processor has carried it out.",
  processor: "Carries writes out, and sends a heartbeat through the whole way.",
  storage: "Where the processor remembers how far it has come.",
  "dead-letters": "Writes that could not be carried out, parked for an operator.",
  operator: "An operator can take this stamp out of rotation here.",
};

function PartDetails({ picture, stamp, part }: { picture: Picture; stamp: StampView; part: Part }) {
  const origin = part.id === "api" ? apiOrigin(picture.edge, stamp.stamp) : undefined;
  const last = origin?.probes.at(-1);
  const queue = part.id === "queue" ? stamp.report?.queue : undefined;
  return (
    <>
      <Heading light={part.light}>
        {part.label} in {stamp.region}
      </Heading>
      {MEANING[part.id] && <p>{MEANING[part.id]}</p>}
      {part.light === "unreachable" && part.checks.length > 0 && <p>What the stamp said last:</p>}
      <Lights
        of={part.checks.map((check) => ({
          name: sentence(check.component),
          light: check.light,
          more: checkWords(check),
        }))}
      />
      {origin && (
        <Facts
          facts={[
            ["Edge", origin.healthy ? "in rotation" : "taken out of rotation"],
            ["Priority", origin.priority?.toString()],
            ["Weight", origin.weight?.toString()],
            [
              "Latency from the edge",
              origin.latencyMs === undefined ? undefined : duration(origin.latencyMs),
            ],
            [
              "Last probe",
              last && `${last.result}${last.ms === undefined ? "" : ` in ${duration(last.ms)}`}`,
            ],
          ]}
        />
      )}
      {queue && <QueueDetails queue={queue} />}
    </>
  );
}

const STATES: Readonly<Record<string, { light: Light; words: string }>> = {
  ok: { light: "healthy", words: "up to date" },
  behind: { light: "degraded", words: "behind" },
  "beyond-log": { light: "unhealthy", words: "checkpoint beyond the log's end" },
  "never-read": { light: "unknown", words: "never read" },
};

/** Every partition: one of them can stand still while all the others run. */
function QueueDetails({ queue }: { readonly queue: Queue }) {
  const states = [...new Set(queue.partitions.map((one) => one.state))];
  const late = queue.partitions.filter((one) => one.lagEvents > 0);
  return (
    <>
      <Facts
        facts={[
          ["Waiting", counted(queue.lagEvents, "event")],
          [
            "Oldest waits for",
            queue.oldestWaitingS === undefined ? undefined : duration(queue.oldestWaitingS * 1000),
          ],
        ]}
      />
      {queue.partitions.length > 0 && (
        <>
          <h3>{counted(queue.partitions.length, "partition")}</h3>
          <ul class="partitions" aria-label="Partitions">
            {queue.partitions.map(({ partition, state, lagEvents }) => (
              <li key={partition} class={`partition partition-${state}`}>
                <Glyph light={STATES[state]?.light ?? "unknown"} />
                <span>{partition}</span>
                <span class="visually-hidden">
                  {STATES[state]?.words ?? state}, {lagEvents} waiting
                </span>
              </li>
            ))}
          </ul>
          <p class="field-hint">
            {states.map((state) => `${countOf(queue, state)} ${STATES[state]?.words ?? state}`).join(", ")}
            {late.length > 0 && `. ${waitingWords(late)}`}
          </p>
        </>
      )}
    </>
  );
}

function waitingWords(late: readonly Partition[]): string {
  const most = Math.max(...late.map((one) => one.lagEvents));
  return late.length <= FEW
    ? `Waiting: ${late.map((one) => `${one.lagEvents} in ${one.partition}`).join(", ")}`
    : `Waiting in ${late.length} of them, ${most} in the longest`;
}

const FEW = 5;

function countOf(queue: Queue, state: string): number {
  return queue.partitions.filter((one) => one.state === state).length;
}

function DatabaseDetails({ picture }: { readonly picture: Picture }) {
  const { light } = databaseOf(picture.stamps);
  return (
    <>
      <Heading light={light}>Database</Heading>
      <p>One account over all regions; each region reads and writes its own copy. As the regions see it:</p>
      <Lights
        of={picture.stamps.flatMap((stamp) =>
          (stamp.report?.checks ?? [])
            .filter((check) => check.component.startsWith("database-"))
            .map((check) => ({
              name: `${stamp.region}, ${sentence(check.component).replace("Database ", "")}`,
              light: stamp.light === "unreachable" ? stamp.light : check.light,
              more: stamp.light === "unreachable" ? "" : checkWords(check),
            })),
        )}
      />
    </>
  );
}

function EdgeDetails({ picture }: { readonly picture: Picture }) {
  const { edge } = picture;
  if (!edge) {
    return (
      <>
        <h2 id="details-heading">Edge</h2>
        <p>It tells nothing about itself here: only whether stamps answer through it can be seen.</p>
      </>
    );
  }
  const { cache } = edge;
  const asked = (cache?.hits ?? 0) + (cache?.misses ?? 0);
  return (
    <>
      <h2 id="details-heading">Edge</h2>
      {cache && (
        <Facts
          facts={[
            ["Cache", counted(cache.entries, "entry", "entries")],
            ["Answered from it", asked === 0 ? undefined : `${cache.hits} of ${asked}`],
          ]}
        />
      )}
      {edge.groups.map((group) => (
        <Group key={group.name} group={group} />
      ))}
    </>
  );
}

function Group({ group }: { readonly group: OriginGroup }) {
  return (
    <>
      <h3>{sentence(group.name)}</h3>
      <p class="field-hint">
        {group.probe}
        {group.allUnhealthy && ". None passes, so all are used."}
      </p>
      <Lights
        of={group.origins.map((origin) => ({
          name: origin.name,
          light: origin.healthy ? "healthy" : "unhealthy",
          more: [
            origin.priority === undefined ? "" : `priority ${origin.priority}`,
            origin.weight === undefined ? "" : `weight ${origin.weight}`,
            origin.latencyMs === undefined ? "" : duration(origin.latencyMs),
          ]
            .filter(Boolean)
            .join(", "),
        }))}
      />
    </>
  );
}
