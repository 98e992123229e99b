/** Where everything of the picture is, in pixels of the screen, so that its text is as large as all other text. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface StampLayout {
  readonly box: Box;
  readonly probes: Box;
  readonly parts: readonly Box[];
  readonly flowsY: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly edge: Box;
  readonly stamps: readonly StampLayout[];
  readonly database: Box;
  /** Whether stamps are one below another; links then run along the sides. */
  readonly stacked: boolean;
}

const PADDING = 12;
const HEADER = 52;
const PROBES = 34;
const PART = 74;
const FLOWS = 34;
const EDGE = { width: 220, height: 64 };
const DATABASE_HEIGHT = 64;
/** Between layers: room for a link and its words. */
const BETWEEN = 54;
const NARROWEST_STAMP = 290;
/** Beside stacked stamps: room for the links that pass them. */
const SIDE = 16;

/** Lays out stamps with so many parts each; `hasProbes` when the edge tells about them. */
export function layoutOf(width: number, parts: readonly number[], hasProbes: boolean): Layout {
  const gap = 24;
  const beside = (width - gap * (parts.length - 1)) / parts.length;
  const stacked = beside < NARROWEST_STAMP && parts.length > 1;
  const stampWidth = stacked ? width - 2 * SIDE : Math.min(beside, 640);
  const left = stacked ? SIDE : (width - (stampWidth * parts.length + gap * (parts.length - 1))) / 2;
  const edge: Box = {
    x: (width - Math.min(EDGE.width, width)) / 2,
    y: 2,
    width: Math.min(EDGE.width, width),
    height: EDGE.height,
  };
  const between = stacked ? gap : BETWEEN;
  const top = edge.y + edge.height + between;
  const stamps: StampLayout[] = [];
  for (const [index, many] of parts.entries()) {
    const above = stamps.at(-1)?.box;
    const y = stacked && above ? above.y + above.height + gap : top;
    const x = stacked ? left : left + index * (stampWidth + gap);
    stamps.push(stampLayout(x, y, stampWidth, many, hasProbes));
  }
  if (!stacked) {
    // Side by side they stand on one line, whatever each has told.
    const tallest = Math.max(...stamps.map(({ box }) => box.height));
    stamps.splice(
      0,
      stamps.length,
      ...stamps.map((stamp) => ({ ...stamp, box: { ...stamp.box, height: tallest } })),
    );
  }
  const bottom = Math.max(...stamps.map(({ box }) => box.y + box.height));
  const databaseWidth = stacked
    ? stampWidth
    : Math.min(width, stampWidth * parts.length + gap * (parts.length - 1));
  const database = {
    x: (width - databaseWidth) / 2,
    y: bottom + between,
    width: databaseWidth,
    height: DATABASE_HEIGHT,
  };
  return { width, height: database.y + database.height + 2, edge, stamps, database, stacked };
}

function stampLayout(x: number, y: number, width: number, parts: number, hasProbes: boolean): StampLayout {
  const between = width < 340 ? 11 : 26;
  const inside = width - 2 * PADDING;
  const partWidth = (inside - 2 * between) / 3;
  const probes = { x: x + PADDING, y: y + HEADER, width: inside, height: hasProbes ? PROBES : 0 };
  const firstRow = probes.y + probes.height + 2;
  const rowGap = 12;
  const boxes = Array.from({ length: parts }, (_, index) => ({
    x: x + PADDING + (index % 3) * (partWidth + between),
    y: firstRow + Math.floor(index / 3) * (PART + rowGap),
    width: partWidth,
    height: PART,
  }));
  const flowsY = firstRow + Math.ceil(parts / 3) * (PART + rowGap);
  return { box: { x, y, width, height: flowsY + FLOWS - y }, probes, parts: boxes, flowsY };
}

/** The middle of a box's upper or lower side. */
export function middle(box: Box, side: "top" | "bottom"): { x: number; y: number } {
  return { x: box.x + box.width / 2, y: side === "top" ? box.y : box.y + box.height };
}
