import { Glyph } from "./Glyph";
import type { Picture, StampView } from "./monitor";
import { databaseLight, partsOf } from "./parts";
import { requestsPerSecond } from "./plots";
import { type Light, WORDS } from "./report";

/** The picture as a table, for everybody who would rather read it or hear it. */
export function StatusTable({ picture }: { readonly picture: Picture }) {
  const { stamps, trafficEndS } = picture;
  const parts = stamps.map((stamp) => new Map(partsOf(stamp).map((part) => [part.label, part])));
  const labels = [...new Set(parts.flatMap((some) => [...some.keys()]))];
  const rows: (readonly [string, (stamp: StampView, index: number) => Cell])[] = [
    ["Region", (stamp) => stamp.light],
    ...labels.map(
      (label) => [label, (_: StampView, index: number) => parts[index]?.get(label)?.light ?? ""] as const,
    ),
    ["Database, reading", (stamp) => databaseLight(stamp, "database-read")],
    ["Database, writing", (stamp) => databaseLight(stamp, "database-write")],
    ["Requests a second", (stamp) => requestsPerSecond(stamp.traffic, trafficEndS).toFixed(1)],
    [
      "Events waiting",
      (stamp) => (stamp.light === "unreachable" ? "–" : `${stamp.report?.queue?.lagEvents ?? "–"}`),
    ],
  ];
  return (
    <details class="as-table">
      <summary>The same as a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of the keyboard */}
      <section class="table-place" tabIndex={0} aria-label="State of every component in every region">
        <table>
          <thead>
            <tr>
              <th scope="col">Component</th>
              {stamps.map((stamp, index) => (
                <th key={stamp.stamp || index} scope="col">
                  {stamp.region}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, cell]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {stamps.map((stamp, index) => (
                  <td key={stamp.stamp || index}>
                    <CellWords cell={cell(stamp, index)} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}

type Cell = Light | string;

function CellWords({ cell }: { readonly cell: Cell }) {
  return cell in WORDS ? (
    <>
      <Glyph light={cell as Light} /> {WORDS[cell as Light]}
    </>
  ) : (
    cell
  );
}
