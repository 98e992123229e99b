import type { Light } from "./report";

interface Props {
  readonly light: Light;
  readonly x?: number;
  readonly y?: number;
}

/** A light that can be told without its colour: each has a shape and a sign of its own. Sixteen pixels wide. */
export function GlyphShape({ light, x = 0, y = 0 }: Props) {
  return (
    <g class={`glyph glyph-${light}`} transform={`translate(${x} ${y})`} aria-hidden="true">
      {light === "healthy" && (
        <>
          <circle class="glyph-ground" cx="8" cy="8" r="8" />
          <path class="glyph-sign" d="m4.3 8.3 2.5 2.5 4.9-5.3" />
        </>
      )}
      {light === "degraded" && (
        <>
          <path class="glyph-ground" d="M8 .5 16 15H0Z" />
          <path class="glyph-sign" d="M8 5.800v4.400M8 12.300v.6" />
        </>
      )}
      {light === "unhealthy" && (
        <>
          <path class="glyph-ground" d="M4.7 0h6.600L16 4.700v6.600L11.3 16H4.700L0 11.300V4.700Z" />
          <path class="glyph-sign" d="m5 5 6 6m0-6-6 6" />
        </>
      )}
      {light === "unknown" && (
        <>
          <circle class="glyph-ring" cx="8" cy="8" r="7" stroke-dasharray="2.5 2" />
          <path class="glyph-line" d="M6 6.300a2 2 0 1 1 2.8 1.900c-.6.3-.8.7-.8 1.300M8 11.600v.5" />
        </>
      )}
      {light === "unreachable" && (
        <>
          <circle class="glyph-ring" cx="8" cy="8" r="7" />
          <path class="glyph-line" d="m3.2 12.8 9.6-9.6" />
        </>
      )}
    </g>
  );
}

/** The same beside a text. */
export function Glyph({ light }: { readonly light: Light }) {
  return (
    <svg class="glyph-icon" viewBox="-1 -1 18 18" width="18" height="18" aria-hidden="true" focusable="false">
      <GlyphShape light={light} />
    </svg>
  );
}
