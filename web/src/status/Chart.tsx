import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { Scale } from "./plots";
import { useWidth } from "./useWidth";

interface Props {
  readonly title: string;
  /** The latest value in words. */
  readonly now: string;
  /** The upper end of the scale in words. */
  readonly mostWords: string;
  readonly most: number;
  /** All that the drawing shows, for those who do not see it. */
  readonly description: string;
  readonly legend?: ComponentChildren;
  readonly draw: (scale: Scale) => ComponentChildren;
}

const HEIGHT = 72;
const ABOVE = 16;

/** A small chart of the last two minutes. */
export function Chart({ title, now, mostWords, most, description, legend, draw }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        <b>{now}</b>
      </figcaption>
      <div ref={place}>
        <svg
          role="img"
          aria-label={description}
          width={width}
          height={HEIGHT + ABOVE + 1}
          viewBox={`0 ${-ABOVE} ${width} ${HEIGHT + ABOVE + 1}`}
        >
          <path class="chart-grid" d={`M0 .5H${width}M0 ${HEIGHT / 2}H${width}`} />
          <path class="chart-axis" d={`M0 ${HEIGHT}H${width}`} />
          <text class="map-small" x="0" y="-4">
            {mostWords}
          </text>
          {draw({ width, height: HEIGHT, most })}
        </svg>
      </div>
      <div class="chart-foot">
        <span>2 min ago</span>
        {legend && <span class="legends">{legend}</span>}
        <span>now</span>
      </div>
    </figure>
  );
}

/** What a line or a bar stands for. */
export function Legend({
  kind,
  words,
}: {
  readonly kind: "ok" | "failed" | "p50" | "p95";
  readonly words: string;
}) {
  return (
    <span class="legend">
      <svg viewBox="0 0 16 10" width="16" height="10" aria-hidden="true" focusable="false">
        {kind === "ok" || kind === "failed" ? (
          <rect class={`chart-${kind}`} x="0" y="0" width="16" height="10" />
        ) : (
          <path class={`chart-${kind}`} d="M0 5H16" />
        )}
      </svg>
      {words}
    </span>
  );
}
