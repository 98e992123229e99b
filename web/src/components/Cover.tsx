import { memo } from "../memo";

interface Props {
  readonly name: string;
}

/** Background, large shape, small shape, letter. */
type Palette = readonly [string, string, string, string];

const PALETTES: readonly Palette[] = [
  ["#12355b", "#d8572a", "#f2b84b", "#f7efe2"],
  ["#1f2a2e", "#3f7d6e", "#e6b655", "#f3eee1"],
  ["#f0e4cf", "#c8553d", "#28536b", "#2b2622"],
  ["#2d2440", "#7a4e9f", "#ef8a6f", "#f6ecf5"],
  ["#dfe6dc", "#2f5d50", "#e2a03f", "#1d2b26"],
  ["#3a1d23", "#a83b47", "#e9b872", "#fbeee0"],
  ["#0e3b43", "#328590", "#f4a259", "#eef6f3"],
  ["#f3d9c6", "#e07a5f", "#3d405b", "#33293a"],
  ["#1b1b2b", "#44508f", "#d9c55b", "#ecebf7"],
  ["#e9e2f0", "#6c5b9e", "#d96a6a", "#2a2340"],
  ["#26361f", "#6f8f3a", "#e4d36b", "#f3f4e4"],
  ["#dbe9ee", "#1f6f8b", "#e4572e", "#16303a"],
];

/**
 * A picture for an item that has none, made from its name alone: the same name always gets the same one. Only SVG
 * attributes, for the page's policy forbids inline styles.
 */
export const Cover = memo(function Cover({ name }: Props) {
  const random = seeded(hash(name));
  const [ground, large, small, letter] = pick(PALETTES, random);
  const motif = pick(MOTIFS, random);
  const shapes = motif(random, large, small, ground);
  const ink = motif === sunOverHills || motif === waves ? lighter(ground, letter) : letter;
  const initial = /\d{1,4}|\p{L}/u.exec(name.replace(/^(the|a|an) /i, ""))?.[0]?.toUpperCase() ?? "•";
  return (
    <svg
      class="cover"
      viewBox="0 0 300 400"
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
      focusable="false"
    >
      <rect width="300" height="400" fill={ground} />
      {shapes}
      <text x="26" y="372" font-size="76" font-weight="800" fill={ink} letter-spacing="-2">
        {initial}
      </text>
    </svg>
  );
});

type Random = () => number;
type Motif = (random: Random, large: string, small: string, ground: string) => preact.JSX.Element;

function sunOverHills(random: Random, large: string, small: string) {
  const x = 70 + random() * 160;
  const top = 215 + random() * 40;
  return (
    <>
      <circle cx={x} cy={120 + random() * 40} r={58 + random() * 22} fill={small} />
      <path d={`M0 ${top} Q75 ${top - 80} 150 ${top} T300 ${top - 20} V400 H0Z`} fill={large} />
      <path
        d={`M0 ${top + 70} Q100 ${top} 200 ${top + 60} T300 ${top + 50} V400 H0Z`}
        fill={large}
        opacity="0.55"
      />
    </>
  );
}

function rings(random: Random, large: string, small: string) {
  const x = random() < 0.5 ? 300 : 0;
  return (
    <>
      {[230, 180, 130, 80].map((radius, index) => (
        <circle key={radius} cx={x} cy="0" r={radius} fill={index % 2 === 0 ? large : small} opacity={0.92} />
      ))}
      <circle cx={300 - x} cy="330" r="70" fill={large} opacity="0.35" />
    </>
  );
}

function beams(random: Random, large: string, small: string, ground: string) {
  const tilt = 18 + random() * 24;
  return (
    <>
      <g transform={`rotate(${random() < 0.5 ? tilt : -tilt} 150 200)`}>
        {[-60, 20, 100, 180, 260].map((x, index) => (
          <rect
            key={x}
            x={x}
            y="-120"
            width={16 + index * 9}
            height="640"
            fill={index === 2 ? small : large}
            opacity={index === 2 ? 1 : 0.35 + index * 0.14}
          />
        ))}
      </g>
      <rect y="292" width="300" height="120" fill={ground} />
    </>
  );
}

function eclipse(random: Random, large: string, small: string) {
  const x = 120 + random() * 60;
  const shift = 40 + random() * 50;
  return (
    <>
      <circle cx={x} cy="165" r="112" fill={large} />
      <circle cx={x + shift} cy={165 - shift / 2} r="74" fill={small} opacity="0.9" />
      <rect x="0" y="286" width="300" height="3" fill={small} opacity="0.7" />
    </>
  );
}

function grid(random: Random, large: string, small: string) {
  const marked = Math.floor(random() * 20);
  const dots = Array.from({ length: 20 }, (_, index) => index);
  return (
    <>
      {dots.map((index) => (
        <circle
          key={index}
          cx={48 + (index % 4) * 68}
          cy={52 + Math.floor(index / 4) * 58}
          r={index === marked ? 26 : 12 + ((index * 7) % 4) * 3}
          fill={index === marked ? small : large}
        />
      ))}
    </>
  );
}

function waves(random: Random, large: string, small: string) {
  const lift = 30 + random() * 40;
  return (
    <>
      <circle cx={80 + random() * 140} cy="84" r="38" fill={small} />
      {[150, 205, 260].map((y, index) => (
        <path
          key={y}
          d={`M0 ${y} C75 ${y - lift} 225 ${y + lift} 300 ${y} V400 H0Z`}
          fill={large}
          opacity={0.4 + index * 0.25}
        />
      ))}
    </>
  );
}

function arches(random: Random, large: string, small: string) {
  const order = random() < 0.5 ? [0, 1] : [1, 0];
  return (
    <>
      {order.map((place, index) => (
        <path
          key={place}
          d={`M${20 + place * 135} 300 V${150 + index * 46} a62 62 0 0 1 125 0 V300Z`}
          fill={index === 0 ? large : small}
        />
      ))}
      <rect x="0" y="300" width="300" height="100" fill={large} opacity="0.3" />
    </>
  );
}

function peaks(random: Random, large: string, small: string) {
  const x = 110 + random() * 80;
  return (
    <>
      <circle cx={x > 150 ? 76 : 224} cy="92" r="34" fill={small} />
      <path d={`M-20 304 L${x} 84 L320 304Z`} fill={large} />
      <path d={`M${x - 80} 304 L${x + 70} 172 L340 304Z`} fill={small} opacity="0.55" />
      <rect x="0" y="303" width="300" height="97" fill={large} opacity="0.5" />
    </>
  );
}

const MOTIFS: readonly Motif[] = [sunOverHills, rings, beams, eclipse, grid, waves, arches, peaks];

/** Of two colours the one that is seen on the large shapes, which are dark or of middle lightness. */
function lighter(one: string, other: string): string {
  const lightness = (colour: string) =>
    [1, 3, 5].reduce((sum, at) => sum + Number.parseInt(colour.slice(at, at + 2), 16), 0);
  return lightness(one) > lightness(other) ? one : other;
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** FNV-1a: short, and spreads similar names well. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/** Numbers from 0 to 1 that the seed alone decides (mulberry32). */
function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
