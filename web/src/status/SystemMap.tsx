import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { apiOrigin, type EdgeState, type Origin } from "./edge";
import { GlyphShape } from "./Glyph";
import { DatabaseLinks, EdgeLink } from "./Links";
import { type Box, layoutOf, type StampLayout } from "./layout";
import type { Picture, StampView } from "./monitor";
import { Probes } from "./Probes";
import { databaseOf, type Part, partsOf, sentence } from "./parts";
import { type Flow, type Light, WORDS } from "./report";
import { useWidth } from "./useWidth";

interface Props {
  readonly picture: Picture;
  /** `edge`, `database`, a stamp, or a stamp and one of its parts with a slash between. */
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
}

/** The system as it is now: edge, stamps, what they are made of, and the database they share. */
export function SystemMap({ picture, selected, onSelect }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  const { stamps, edge } = picture;
  const parts = stamps.map(partsOf);
  const hasProbes = edge !== undefined;
  const layout = layoutOf(
    width,
    parts.map((some) => some.length),
    hasProbes,
  );
  const database = databaseOf(stamps);
  const chosen = { selected, onSelect };
  return (
    <div class="map" ref={place}>
      {/* biome-ignore lint/a11y/useSemanticElements: there is no fieldset inside a drawing */}
      <svg
        role="group"
        aria-label="The system as it is now"
        width={layout.width}
        height={layout.height}
        viewBox={`0 0 ${layout.width} ${layout.height}`}
      >
        {stamps.map((stamp, index) => {
          const at = layout.stamps[index];
          return (
            at && (
              <g key={stamp.stamp || index} aria-hidden="true">
                <EdgeLink
                  picture={picture}
                  stamp={stamp}
                  index={index}
                  from={layout.edge}
                  to={at.box}
                  stacked={layout.stacked}
                />
                <DatabaseLinks
                  stamp={stamp}
                  index={index}
                  from={at.box}
                  to={layout.database}
                  stacked={layout.stacked}
                />
              </g>
            )
          );
        })}
        <EdgeBox edge={edge} box={layout.edge} stamps={stamps} {...chosen} />
        {stamps.map((stamp, index) => {
          const at = layout.stamps[index];
          const origin = apiOrigin(edge, stamp.stamp);
          return (
            at && (
              <Stamp
                key={stamp.stamp || index}
                stamp={stamp}
                parts={parts[index] ?? []}
                origin={origin}
                at={at}
                hasProbes={hasProbes}
                {...chosen}
              />
            )
          );
        })}
        <Node
          id="database"
          box={layout.database}
          light={database.light}
          label={`Database, shared by all regions: ${WORDS[database.light]}. Reads: ${WORDS[database.reads]}, writes: ${WORDS[database.writes]}.`}
          {...chosen}
        >
          <Title box={layout.database} light={database.light} words="Database" sub="shared by all regions" />
        </Node>
      </svg>
    </div>
  );
}

interface Choice {
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
}

interface NodeProps extends Choice {
  readonly id: string;
  readonly box: Box;
  readonly light: Light;
  /** What a screen reader says: all that the drawing shows. */
  readonly label: string;
  readonly children: ComponentChildren;
}

/** A box that can be chosen, by pointer and by keyboard. */
function Node({ id, box, light, label, selected, onSelect, children }: NodeProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: there is no button inside a drawing
    <g
      class={`node node-${light}`}
      role="button"
      // Lower case: in a drawing the names of attributes are exact.
      tabindex={0}
      data-node={id}
      data-light={light}
      aria-label={label}
      aria-pressed={selected === id}
      onClick={() => onSelect(id)}
      onKeyDown={(event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          onSelect(id);
        }
      }}
    >
      <rect class="node-box" x={box.x} y={box.y} width={box.width} height={box.height} rx="10" />
      {children}
    </g>
  );
}

function Title(props: { box: Box; light: Light; words: string; sub: string }) {
  const { box, light, words, sub } = props;
  return (
    <>
      <GlyphShape light={light} x={box.x + 14} y={box.y + 14} />
      <text class="map-title" x={box.x + 40} y={box.y + 27}>
        {words}
      </text>{" "}
      <text class="map-sub" x={box.x + 40} y={box.y + 46}>
        {sub}
      </text>
    </>
  );
}

function EdgeBox(props: Choice & { edge: EdgeState | undefined; box: Box; stamps: readonly StampView[] }) {
  const { edge, box, stamps, ...chosen } = props;
  const group = edge?.groups.find(({ name }) => name === "api");
  const away = group?.origins.filter((origin) => !origin.healthy).length ?? 0;
  let light: Light = "healthy";
  let sub = group ? `routes to all ${group.origins.length}` : "routes by health";
  if (!group) {
    light = stamps.some((stamp) => stamp.report) ? "healthy" : "unknown";
  } else if (group.allUnhealthy) {
    light = "unhealthy";
    sub = "none passes: uses all";
  } else if (away > 0) {
    light = "degraded";
    sub = `routes around ${away} of ${group.origins.length}`;
  }
  return (
    <Node id="edge" box={box} light={light} label={`Edge, ${sub}: ${WORDS[light]}.`} {...chosen}>
      <Title box={box} light={light} words="Edge" sub={sub} />
    </Node>
  );
}

interface StampProps extends Choice {
  readonly stamp: StampView;
  readonly parts: readonly Part[];
  readonly origin: Origin | undefined;
  readonly at: StampLayout;
  readonly hasProbes: boolean;
}

function Stamp({ stamp, parts, origin, at, hasProbes, ...chosen }: StampProps) {
  const { light, region, report } = stamp;
  const sub = light === "unreachable" ? "Unreachable: gives no report" : WORDS[light];
  return (
    <g class={`stamp stamp-${light}`} data-stamp={stamp.stamp} data-light={light}>
      <Node id={stamp.stamp} box={at.box} light={light} label={`${region}, ${sub}.`} {...chosen}>
        <Title box={at.box} light={light} words={region} sub={sub} />
      </Node>
      {light !== "unreachable" && report && report.flows.length > 0 && <Flows flows={report.flows} at={at} />}
      {hasProbes && <Probes probes={origin?.probes ?? []} healthy={origin?.healthy} box={at.probes} />}
      {parts.map((part, index) => {
        const box = at.parts[index];
        const before = at.parts[index - 1];
        return (
          box && (
            <g key={part.id}>
              {before && index < 3 && <Arrow from={before} to={box} />}
              <Node
                id={`${stamp.stamp}/${part.id}`}
                box={box}
                light={part.light}
                label={`${part.label}${part.figure && `, ${part.figure}`}: ${WORDS[part.light]}, in ${region}.`}
                {...chosen}
              >
                <PartWords part={part} box={box} />
              </Node>
            </g>
          )
        );
      })}
    </g>
  );
}

/** How well each thing that people do goes in a stamp. */
function Flows({ flows, at }: { readonly flows: readonly Flow[]; readonly at: StampLayout }) {
  const wide = (at.box.width - 24) / flows.length;
  const words = flows.map((flow) => `${sentence(flow.flow)} ${WORDS[flow.light].toLowerCase()}`).join(", ");
  return (
    <g class="map-over" role="img" aria-label={`Flows: ${words}.`}>
      {flows.map((flow, index) => (
        <g key={flow.flow} transform={`translate(${at.box.x + 12 + index * wide} ${at.flowsY})`}>
          <GlyphShape light={flow.light} y={6} />
          <text class="map-small" x={22} y={19}>
            {sentence(flow.flow)}
          </text>
        </g>
      ))}
    </g>
  );
}

function PartWords({ part, box }: { readonly part: Part; readonly box: Box }) {
  const x = box.x + box.width / 2;
  const isSmall = box.width < 96;
  const [first = "", ...rest] = isSmall ? part.label.split(" ") : [part.label];
  const style = isSmall ? "map-part map-part-small" : "map-part";
  const second = rest.join(" ") || part.figure;
  return (
    <>
      <GlyphShape light={part.light} x={x - 8} y={box.y + 9} />
      <text class={style} x={x} y={box.y + 43} text-anchor="middle">
        {first}
      </text>{" "}
      <text class={rest.length > 0 ? style : "map-small"} x={x} y={box.y + 60} text-anchor="middle">
        {second}
      </text>
    </>
  );
}

function Arrow({ from, to }: { readonly from: Box; readonly to: Box }) {
  const y = from.y + from.height / 2;
  const tip = to.x - 2;
  return (
    <path class="arrow" aria-hidden="true" d={`M${from.x + from.width + 2} ${y}H${tip}m-4-3.5 4 3.5-4 3.5`} />
  );
}
