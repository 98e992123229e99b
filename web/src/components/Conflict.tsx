import type { Fields } from "../views/item-fields";

const NAMES: Readonly<Record<keyof Fields, string>> = {
  name: "Name",
  description: "Description",
  price: "Price",
};

interface ConflictProps {
  /** The item as it was when editing began. */
  readonly before: Fields;
  readonly mine: Fields;
  readonly theirs: Fields;
  readonly keepMine: () => void;
  readonly takeTheirs: () => void;
}

/** Two versions of one item, and a decision to make. */
export function Conflict({ before, mine, theirs, keepMine, takeTheirs }: ConflictProps) {
  const changed = (Object.keys(NAMES) as (keyof Fields)[]).filter(
    (name) => theirs[name] !== before[name] || mine[name] !== theirs[name],
  );
  return (
    <div class="conflict" role="alert">
      <h2>Somebody else changed this item</h2>
      <p>
        While you were editing, another version was saved. Nothing of yours is lost. Fields that you left
        alone follow theirs; decide about the others.
      </p>
      <div class="conflict-table">
        <table>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Theirs, saved</th>
              <th scope="col">Yours, not saved</th>
            </tr>
          </thead>
          <tbody>
            {changed.map((name) => (
              <tr key={name}>
                <th scope="row">{NAMES[name]}</th>
                <td>{theirs[name]}</td>
                <td>{mine[name] === theirs[name] ? <i>as theirs</i> : mine[name]}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="form-actions">
        <button type="button" class="button button-primary" onClick={keepMine}>
          Keep my changes
        </button>
        <button type="button" class="button" onClick={takeTheirs}>
          Take theirs
        </button>
      </div>
    </div>
  );
}
