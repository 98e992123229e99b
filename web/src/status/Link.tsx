import { GlyphShape } from "./Glyph";
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
export function Link({ route, light, moving, words, at }: Props) {
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
