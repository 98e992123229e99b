import type { Comment, NewComment } from "../api/client";
import { ago, inFull } from "../format";
import { useServices } from "../services";
import { resourceId, type WriteOf } from "../writes/write";
import { DeleteComment } from "./DeleteComment";
import { WriteBadge } from "./WriteBadge";

interface StoredProps {
  readonly comment: Comment;
  readonly deletion: WriteOf<"deleteComment"> | undefined;
}

/** A stored comment. */
export function StoredComment({ comment, deletion }: StoredProps) {
  const { authorName, text, creationDate } = comment;
  const date = new Date(creationDate);
  return (
    <li class="comment">
      <Avatar name={authorName} />
      <article>
        <p class="comment-head">
          <b>{authorName}</b>
          <time dateTime={creationDate} title={inFull(date)}>
            {ago(date, new Date())}
          </time>
        </p>
        <p class="comment-text">{text}</p>
        <DeleteComment comment={comment} deletion={deletion} />
      </article>
    </li>
  );
}

interface OwnProps {
  readonly write: WriteOf<"comment">;
  readonly onEdit: (body: NewComment) => void;
  readonly deletion: WriteOf<"deleteComment"> | undefined;
}

/** A comment of this page on its way: what it says, how far it is, and what can be done when it fails. */
export function OwnComment({ write, onEdit, deletion }: OwnProps) {
  const { queue } = useServices();
  const id = resourceId(write);
  const failed = write.state === "failed";
  const stuck = write.state === "waiting" && write.problem !== undefined;
  return (
    <li class={`comment comment-own comment-${write.state}`}>
      <Avatar name={write.body.authorName} />
      <article>
        <p class="comment-head">
          <b>{write.body.authorName}</b>
          <WriteBadge write={write} />
        </p>
        <p class="comment-text">{write.body.text}</p>
        {stuck && (
          <p class="comment-note">
            {write.problem}{" "}
            {write.kept
              ? "It is kept in this browser and will be sent."
              : "It is lost when you close this page."}
          </p>
        )}
        {write.state === "saved" && id && (
          <DeleteComment comment={{ ...write.body, id, catalogItemId: write.itemId }} deletion={deletion} />
        )}
        {failed && (
          <p class="comment-note comment-failure" role="alert">
            {write.failure?.message} {Object.values(write.failure?.fields ?? {}).join(" ")}
          </p>
        )}
        <div class="comment-actions">
          {stuck && (
            <button type="button" class="button-link" onClick={() => queue.wake()}>
              Try now
            </button>
          )}
          {failed && (
            <>
              <button type="button" class="button-link" onClick={() => queue.tryAgain(write.key)}>
                Try again
              </button>
              <button
                type="button"
                class="button-link"
                onClick={() => {
                  onEdit(write.body);
                  queue.forget(write.key);
                }}
              >
                Edit
              </button>
            </>
          )}
          {(failed || stuck) && (
            <button type="button" class="button-link" onClick={() => queue.forget(write.key)}>
              Discard
            </button>
          )}
        </div>
      </article>
    </li>
  );
}

function Avatar({ name }: { readonly name: string }) {
  const initial = [...name.trim()][0]?.toUpperCase() ?? "?";
  const shade = [...name].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % 6;
  return (
    <span class={`avatar avatar-${shade}`} aria-hidden="true">
      {initial}
    </span>
  );
}
