import type { EdgeProbe } from "./edge";
import type { Box } from "./layout";

interface Props {
  /** Newest last. */
  readonly probes: readonly EdgeProbe[];
  /** What the edge makes of them; undefined when it knows nothing of this stamp. */
  readonly healthy: boolean | undefined;
  readonly box: Box;
}

const STEP = 8;
const WORDS_WIDTH = 96;

/** The edge's last looks at a stamp: tall and full where it passed, short and crossed where not. */
export function Probes({ probes, healthy, box }: Props) {
  const most = Math.max(4, Math.floor((box.width - WORDS_WIDTH) / STEP));
  const shown = probes.slice(-most);
  const failed = shown.filter((probe) => !probe.passed).length;
  const verdict = healthy === undefined ? "not known" : healthy ? "in rotation" : "taken out";
  const right = box.x + box.width;
  const words = `The edge's last ${shown.length} probes: ${shown.length - failed} passed, ${failed} failed. ${verdict}.`;
  return (
    <g
      class="map-over"
      role="img"
      aria-label={words}
      data-probes={shown.map((probe) => (probe.passed ? "+" : "-")).join("")}
    >
      <text class="map-small" x={box.x} y={box.y + 16}>
        {verdict}
      </text>
      {shown.map((probe, index) => {
        const x = right - (shown.length - index) * STEP;
        return probe.passed ? (
          <rect
            key={`${probe.at} ${index}`}
            class="probe-passed"
            x={x}
            y={box.y + 4}
            width={5}
            height={16}
            rx={1}
          />
        ) : (
          <path key={`${probe.at} ${index}`} class="probe-failed" d={`M${x} ${box.y + 13}l5 6m0-6-5 6`} />
        );
      })}
    </g>
  );
}
