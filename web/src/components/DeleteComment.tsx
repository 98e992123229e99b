import { useState } from "preact/hooks";
import type { Comment } from "../api/client";
import { useStore } from "../hooks/useStore";
import { useServices } from "../services";
import { isOpen, type WriteOf } from "../writes/write";
import { ConfirmDialog } from "./ConfirmDialog";
import { WriteBadge } from "./WriteBadge";

interface Props {
  readonly comment: Pick<Comment, "id" | "catalogItemId" | "authorName" | "text">;
  readonly deletion: WriteOf<"deleteComment"> | undefined;
}

/** Lets whoever has entered the administrator's key delete a comment; nobody else sees anything. */
export function DeleteComment({ comment, deletion }: Props) {
  const { adminKey, queue } = useServices();
  const isAdmin = useStore(adminKey) !== null;
  const [asking, setAsking] = useState(false);
  const busy = deletion !== undefined && isOpen(deletion);
  if (!isAdmin && !busy) {
    return null;
  }
  return (
    <div class="comment-actions">
      {!busy && (
        <button
          type="button"
          class="button-link"
          aria-label={`Delete the comment of ${comment.authorName}`}
          onClick={() => setAsking(true)}
        >
          Delete…
        </button>
      )}
      <span role="status">{deletion && <WriteBadge write={deletion} />}</span>
      {deletion?.failure && (
        <p class="comment-note comment-failure" role="alert">
          {deletion.failure.message}
        </p>
      )}
      {asking && (
        <ConfirmDialog
          title={`Delete the comment of ${comment.authorName}?`}
          confirm="Delete the comment"
          onConfirm={() => {
            if (deletion) {
              queue.forget(deletion.key);
            }
            queue.add({
              kind: "deleteComment",
              itemId: comment.catalogItemId,
              commentId: comment.id,
            });
          }}
          onClose={() => setAsking(false)}
        >
          <blockquote>{comment.text}</blockquote>
          <p>There is no undo.</p>
        </ConfirmDialog>
      )}
    </div>
  );
}
