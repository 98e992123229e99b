import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { NewItem, TaggedItem } from "../api/client";
import { AdminGate, FailureNotice } from "../components/AdminGate";
import { Conflict } from "../components/Conflict";
import { DeleteItem } from "../components/DeleteItem";
import { Icon } from "../components/Icon";
import { ImageForm } from "../components/ImageForm";
import { ItemForm } from "../components/ItemForm";
import { Empty, ErrorNotice } from "../components/notices";
import { WriteBadge } from "../components/WriteBadge";
import { useItem, useItemWrites } from "../hooks/useItem";
import { useReread } from "../hooks/useReread";
import { useTitle } from "../hooks/useTitle";
import { useWrite } from "../hooks/useWrite";
import { itemHash } from "../router";
import { useServices } from "../services";
import { isOpen } from "../writes/write";
import { changesOf, type Fields, fieldsOf, onTop, sameFields } from "./item-fields";

/** Where one item is edited, gets its image, and ends; nobody's change is overwritten unseen. */
export function EditItemView({ itemId }: { readonly itemId: string }) {
  useTitle("Edit an item");
  const deletion = useItemWrites(itemId, "deleteItem").at(-1);
  return (
    <AdminGate title="Edit an item">
      {deletion?.state === "saved" ? (
        <Deleted />
      ) : (
        <>
          <p class="back">
            <a href={itemHash(itemId)}>
              <Icon name="back" />
              To the item
            </a>
          </p>
          <Loaded itemId={itemId} />
        </>
      )}
    </AdminGate>
  );
}

function Deleted() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.focus(), []);
  return (
    // The button that had the focus went with the item.
    <div ref={place} tabIndex={-1} class="deleted" role="status">
      <Empty title="The item is deleted.">
        <p>
          <a class="button" href="#/admin">
            To the other items
          </a>
        </p>
      </Empty>
    </div>
  );
}

function Loaded({ itemId }: { readonly itemId: string }) {
  const { data, error, loading, reload } = useItem(itemId, true);
  const deletion = useItemWrites(itemId, "deleteItem").at(-1);
  const upload = useItemWrites(itemId, "uploadImage").at(-1);
  if (!data) {
    return (
      <div class="panel">
        {error ? (
          <ErrorNotice
            error={error}
            what="The item could not be loaded."
            busy={loading}
            {...(error.passing ? { retry: reload } : {})}
          />
        ) : (
          <p role="status">Loading…</p>
        )}
      </div>
    );
  }
  const goes = deletion !== undefined && isOpen(deletion);
  return (
    <div class="admin">
      <div class="panel">
        <Edit current={data} reload={reload} disabled={goes || (upload !== undefined && isOpen(upload))} />
      </div>
      <div class="admin-side">
        <ImageForm item={data.item} reload={reload} disabled={goes} />
        <DeleteItem current={data} reload={reload} />
      </div>
    </div>
  );
}

interface EditProps {
  /** The item as the service has it. */
  readonly current: TaggedItem;
  /** Reads it again. */
  readonly reload: () => void;
  /** Whether something else is under way that makes another version. */
  readonly disabled: boolean;
}

function Edit({ current, reload, disabled }: EditProps) {
  const { catalog } = useServices();
  // What the typed fields are based on: a change by somebody else must not slip in under them.
  const [base, setBase] = useState(current);
  const [fields, setFields] = useState(() => fieldsOf(current.item));
  const [note, setNote] = useState("");
  const [rebased, setRebased] = useState(false);
  /** The write whose result the fields are based on. */
  const [settled, setSettled] = useState<string>();
  const { write, send } = useWrite(useCallback(() => catalog.reload(), [catalog]));
  const conflict = write?.failure?.conflict === true;
  const moved = current.etag !== base.etag;
  const settling = write?.state === "saved" && settled !== write.key;
  useReread((settling || (conflict && !rebased)) && !moved, current, reload);

  useEffect(() => {
    if (!moved) {
      return;
    }
    if (settling) {
      // After our own change the item as saved is the new base.
      setBase(current);
      setFields(fieldsOf(current.item));
      setSettled(write.key);
    } else if (sameFields(fieldsOf(current.item), fieldsOf(base.item))) {
      // Only its image is another: nothing to decide about here.
      setBase(current);
      setRebased(true);
    }
  }, [moved, settling, write, current, base]);

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
      {conflict && !moved && <ConflictNote rebased={rebased} reload={reload} />}
      <ItemForm
        fields={fields}
        onFields={setFields}
        {...(failure?.fields ? { refused: failure.fields } : {})}
        busy={disabled || (write !== undefined && isOpen(write)) || (conflict && !rebased)}
        submit="Save changes"
        onItem={save}
      >
        <span role="status" class="form-status">
          {note || (write && !(conflict && rebased) && <WriteBadge write={write} />)}
        </span>
      </ItemForm>
    </>
  );
}

function ConflictNote({ rebased, reload }: { readonly rebased: boolean; readonly reload: () => void }) {
  return (
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
  );
}
