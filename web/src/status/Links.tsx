import { apiOrigin } from "./edge";
import { GlyphShape } from "./Glyph";
import { type Box, middle } from "./layout";
import type { Picture, StampView } from "./monitor";
import { databaseLight } from "./parts";
import { requestsPerSecond } from "./plots";
import type { Light } from "./report";

interface Props {
  readonly route: string;
  readonly light: Light;
  /** Whether something passes right now. */
  readonly moving: boolean;
  readonly words: string;
  /** Where the words are; none: there is no room. */
  readonly at: { readonly x: number; readonly y: number } | undefined;
}

/** A way between two boxes: whole while it is used, broken when not. */
function Link({ route, light, moving, words, at }: Props) {
  const broken = light === "unhealthy" || light === "unreachable";
  return (
    <g class={`link link-${light}`}>
      <path class="link-line" d={route} />
      {moving && <path class="link-pulse" d={route} />}
      {at && (
        <>
          {broken && <GlyphShape light={light} x={at.x - 8} y={at.y - 8} />}
          <text class="map-small" x={at.x + 12} y={at.y + 4}>
            {broken ? "" : words}
          </text>
        </>
      )}
    </g>
  );
}

/** From a box's side to where a way of stacked stamps runs; each stamp has a lane of its own. */
function lane(index: number): number {
  return 12 - 5 * index;
}

interface LinkProps {
  readonly index: number;
  readonly stamp: StampView;
  readonly from: Box;
  readonly to: Box;
  readonly stacked: boolean;
}

/** The way from the edge to a stamp, and how much goes there. */
export function EdgeLink({
  picture,
  stamp,
  index,
  from,
  to,
  stacked,
}: LinkProps & { readonly picture: Picture }) {
  const origin = apiOrigin(picture.edge, stamp.stamp);
  const used = origin ? origin.healthy : stamp.light !== "unreachable" && stamp.light !== "unhealthy";
  const rate = requestsPerSecond(stamp.traffic, picture.trafficEndS);
  const light: Light = used ? "healthy" : origin || stamp.light === "unhealthy" ? "unhealthy" : "unreachable";
  const start = middle(from, "bottom");
  const end = middle(to, "top");
  const y = start.y + 22;
  const route = stacked
    ? `M${from.x} ${from.y + from.height / 2}H${lane(index)}V${to.y + 24}H${to.x}`
    : `M${start.x} ${start.y}V${y}H${end.x}V${end.y}`;
  const at = stacked ? undefined : { x: end.x, y: (y + end.y) / 2 };
  return (
    <Link route={route} light={light} moving={used && rate > 0} words={`${rate.toFixed(1)} req/s`} at={at} />
  );
}

/** A stamp's ways to the database, reading and writing. */
export function DatabaseLinks({ stamp, index, from, to, stacked }: LinkProps) {
  const kinds = ["database-read", "database-write"] as const;
  return (
    <>
      {kinds.map((kind, place) => {
        const light = databaseLight(stamp, kind);
        const x = from.x + from.width * (place === 0 ? 0.25 : 0.75);
        const side = to.x + to.width + 16 - lane(index);
        const route = stacked
          ? place === 0
            ? ""
            : `M${from.x + from.width} ${from.y + from.height - 24}H${side}V${to.y + to.height / 2}H${to.x + to.width}`
          : `M${x} ${from.y + from.height}V${to.y}`;
        const at = stacked ? undefined : { x, y: (from.y + from.height + to.y) / 2 };
        return (
          route && (
            <Link
              key={kind}
              route={route}
              light={light}
              moving={false}
              words={place === 0 ? "reads" : "writes"}
              at={at}
            />
          )
        );
      })}
    </>
  );
}
