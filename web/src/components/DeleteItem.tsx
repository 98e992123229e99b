import { useCallback, useEffect, useState } from "preact/hooks";
import type { TaggedItem } from "../api/client";
import { useItemWrites } from "../hooks/useItem";
import { useWrite } from "../hooks/useWrite";
import { useServices } from "../services";
import { isOpen } from "../writes/write";
import { FailureNotice } from "./AdminGate";
import { ConfirmDialog } from "./ConfirmDialog";
import { Icon } from "./Icon";
import { WriteBadge } from "./WriteBadge";

/** Deletes an item as it was read; if somebody changed it since, `reload` reads it again before anybody decides anew. */
export function DeleteItem({ current, reload }: { current: TaggedItem; reload: () => void }) {
  const { catalog } = useServices();
  const { item, etag } = current;
  const [asking, setAsking] = useState(false);
  const { send } = useWrite(useCallback(() => catalog.reload(), [catalog]));
  const latest = useItemWrites(item.id, "deleteItem").at(-1);
  const open = latest !== undefined && isOpen(latest);
  const failure = latest?.failure;
  const conflict = failure?.conflict === true;

  useEffect(() => {
    if (conflict) {
      reload();
    }
  }, [conflict, reload]);

  return (
    <section class="panel" aria-labelledby="delete-heading">
      <h2 id="delete-heading">Delete this item</h2>
      {failure && !conflict && <FailureNotice what="The item was not deleted." failure={failure} />}
      {conflict && (
        <div class="notice" role="alert">
          <Icon name="alert" />
          <p>Somebody changed this item in the meantime. Look at it as it is now, and decide again.</p>
        </div>
      )}
      <p>Its comments, its votes and its image go with it. There is no undo.</p>
      <div class="form-actions">
        <button
          type="button"
          class="button button-danger"
          id="delete-item"
          disabled={open}
          onClick={() => setAsking(true)}
        >
          <Icon name="trash" />
          Delete…
        </button>
        <span role="status" class="form-status">
          {latest && <WriteBadge write={latest} />}
        </span>
      </div>
      {asking && (
        <ConfirmDialog
          title={`Delete “${item.name}”?`}
          confirm="Delete the item"
          onConfirm={() => send({ kind: "deleteItem", itemId: item.id, etag })}
          onClose={() => setAsking(false)}
        >
          <p>Its comments, its votes and its image go with it. There is no undo.</p>
        </ConfirmDialog>
      )}
    </section>
  );
}
