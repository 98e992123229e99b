import { useCallback, useEffect, useState } from "preact/hooks";
import type { NewItem, TaggedItem } from "../api/client";
import { AdminGate, FailureNotice } from "../components/AdminGate";
import { Icon } from "../components/Icon";
import { ItemForm } from "../components/ItemForm";
import { ErrorNotice } from "../components/notices";
import { WriteBadge } from "../components/WriteBadge";
import { useItem } from "../hooks/useItem";
import { useTitle } from "../hooks/useTitle";
import { useWrite } from "../hooks/useWrite";
import { itemHash } from "../router";
import { useServices } from "../services";
import { isOpen } from "../writes/write";
import { changesOf, type Fields, fieldsOf, onTop } from "./item-fields";

/** Where one item is edited; nobody's change is overwritten unseen. */
export function EditItemView({ itemId }: { readonly itemId: string }) {
  useTitle("Edit an item");
  return (
    <AdminGate title="Edit an item">
      <p class="back">
        <a href={itemHash(itemId)}>
          <Icon name="back" />
          To the item
        </a>
      </p>
      <div class="panel">
        <Loaded itemId={itemId} />
      </div>
    </AdminGate>
  );
}

function Loaded({ itemId }: { readonly itemId: string }) {
  const { data, error, loading, reload } = useItem(itemId, true);
  if (!data) {
    return error ? (
      <ErrorNotice
        error={error}
        what="The item could not be loaded."
        busy={loading}
        {...(error.passing ? { retry: reload } : {})}
      />
    ) : (
      <p role="status">Loading…</p>
    );
  }
  return <Edit current={data} reload={reload} />;
}

/** `current` is the item as the service has it; `reload` reads it again. */
function Edit({ current, reload }: { current: TaggedItem; reload: () => void }) {
  const { catalog } = useServices();
  // What the typed fields are based on: a change by somebody else must not slip in under them.
  const [base, setBase] = useState(current);
  const [fields, setFields] = useState(() => fieldsOf(current.item));
  const [note, setNote] = useState("");
  const [rebased, setRebased] = useState(false);
  const { write, send } = useWrite(
    useCallback(() => {
      catalog.reload();
      reload();
    }, [catalog, reload]),
  );
  const conflict = write?.failure?.conflict === true;
  const moved = current.etag !== base.etag;

  useEffect(() => {
    if (conflict) {
      reload();
    }
  }, [conflict, reload]);
  useEffect(() => {
    // After our own change the item as saved is the new base.
    if (write?.state === "saved" && moved) {
      setBase(current);
      setFields(fieldsOf(current.item));
    }
  }, [write, moved, current]);

  function save(item: NewItem) {
    const changes = changesOf(item, base.item);
    const some = Object.keys(changes).length > 0;
    setNote(some ? "" : "Nothing has changed.");
    if (some) {
      setRebased(false);
      send({ kind: "updateItem", itemId: base.item.id, body: changes, etag: base.etag });
    }
  }

  function rebase(onto: Fields) {
    setBase(current);
    setFields(onto);
    setRebased(true);
  }

  const failure = write?.failure;
  const before = fieldsOf(base.item);
  const theirs = fieldsOf(current.item);
  const mine = onTop(fields, before, theirs);
  return (
    <>
      {failure && !conflict && <FailureNotice what="The change was not saved." failure={failure} />}
      {conflict && moved && (
        <Conflict
          before={before}
          mine={mine}
          theirs={theirs}
          keepMine={() => rebase(mine)}
          takeTheirs={() => rebase(theirs)}
        />
      )}
      {conflict && !moved && (
        <div class="notice" role="status">
          <Icon name="alert" />
          <p>
            {rebased
              ? "The fields below are based on the other version now. Save once more to change it."
              : "Somebody changed this item while you edited it. Their version is being read…"}
          </p>
          {!rebased && (
            <button type="button" class="button" onClick={reload}>
              Read it again
            </button>
          )}
        </div>
      )}
      <ItemForm
        fields={fields}
        onFields={setFields}
        {...(failure?.fields ? { refused: failure.fields } : {})}
        busy={(write !== undefined && isOpen(write)) || (conflict && !rebased)}
        submit="Save changes"
        onItem={save}
      >
        <span role="status" class="form-status">
          {note || (write && !rebased && <WriteBadge write={write} />)}
        </span>
      </ItemForm>
    </>
  );
}

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
function Conflict({ before, mine, theirs, keepMine, takeTheirs }: ConflictProps) {
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
