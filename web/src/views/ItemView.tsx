import { useEffect, useRef, useState } from "preact/hooks";
import { CommentForm } from "../components/CommentForm";
import { OwnComment, StoredComment } from "../components/CommentList";
import { Icon } from "../components/Icon";
import { ItemPicture } from "../components/ItemPicture";
import { Empty, ErrorNotice } from "../components/notices";
import { RatingForm } from "../components/RatingForm";
import { Stars } from "../components/Stars";
import { counted, money } from "../format";
import { useComments, useItem, useItemWrites, useSummary } from "../hooks/useItem";
import { useStore } from "../hooks/useStore";
import { useTitle } from "../hooks/useTitle";
import { editHash } from "../router";
import { useServices } from "../services";
import { resourceId } from "../writes/write";

/** One item: what it is, what people think of it, and where to say so. */
export function ItemView({ itemId }: { readonly itemId: string }) {
  const { catalog, config, adminKey } = useServices();
  const { data, error, loading, reload } = useItem(itemId);
  const isAdmin = useStore(adminKey) !== null;
  // The list knew all but the description: no need to wait for the rest with that.
  const item = data?.item ?? catalog.find(itemId);
  const isDeleted = useItemWrites(itemId, "deleteItem").some((write) => write.state === "saved");
  useTitle(isDeleted ? undefined : item?.name);

  if (isDeleted || (!item && error?.status === 404)) {
    return <MissingItem />;
  }
  return (
    <>
      <p class="back">
        <a href="#/catalog">
          <Icon name="back" />
          All items
        </a>
      </p>
      {error && (
        <ErrorNotice error={error} what="This item could not be loaded." retry={reload} busy={loading} />
      )}
      <div class="item">
        <div class="item-picture">
          {item ? <ItemPicture item={item} described eager /> : <div class="skeleton skeleton-cover" />}
        </div>
        <div class="item-body">
          <h1 tabIndex={-1}>{item?.name ?? <span class="skeleton skeleton-title" />}</h1>
          {item && <p class="price">{money(item.price, config.currency)}</p>}
          <h2 class="visually-hidden">Description</h2>
          {data ? <p class="description">{data.item.description}</p> : !error && <DescriptionSkeleton />}
          <Rating itemId={itemId} />
          {isAdmin && (
            <p>
              <a class="button" href={editHash(itemId)}>
                <Icon name="edit" />
                Edit this item
              </a>
            </p>
          )}
        </div>
      </div>
      <Comments itemId={itemId} />
    </>
  );
}

function Rating({ itemId }: { readonly itemId: string }) {
  const { data, error, loading, pending, reload } = useSummary(itemId);
  return (
    <section class="rating" aria-labelledby="rating-heading">
      <h2 id="rating-heading" class="visually-hidden">
        Rating
      </h2>
      {data && (
        <p class="average" data-votes={data.numberOfVotes} data-average={data.averageRating.toFixed(2)}>
          {data.numberOfVotes > 0 && <span class="average-number">{data.averageRating.toFixed(1)}</span>}
          <Stars average={data.averageRating} votes={data.numberOfVotes} />
          <span class="average-votes">
            {data.numberOfVotes === 0 ? "No votes yet" : counted(data.numberOfVotes, "vote")}
            {pending && ", yours included"}
          </span>
        </p>
      )}
      {!data && !error && <div class="skeleton skeleton-line" />}
      {!data && error && (
        <ErrorNotice error={error} what="The rating could not be loaded." retry={reload} busy={loading} />
      )}
      <RatingForm key={itemId} itemId={itemId} />
    </section>
  );
}

function Comments({ itemId }: { readonly itemId: string }) {
  const { drafts } = useServices();
  const [draft, setDraft] = useState(() => drafts.read(itemId));
  const { own, stored, deletions, loading, error, hasMore, more } = useComments(itemId);
  const gone = [...deletions.values()].filter((write) => write.state === "saved").length;
  const heading = useRef<HTMLHeadingElement>(null);
  const before = useRef(gone);
  useEffect(() => {
    // What had the focus may have gone with the comment.
    if (gone > before.current && (!document.activeElement || document.activeElement === document.body)) {
      heading.current?.focus();
    }
    before.current = gone;
  }, [gone]);
  const none = own.length === 0 && stored.length === 0;
  return (
    <section class="comments" aria-labelledby="comments-heading">
      <div class="comments-list">
        <h2 id="comments-heading" tabIndex={-1} ref={heading}>
          Comments
        </h2>
        <p role="status" class="visually-hidden">
          {gone > 0 && `${counted(gone, "comment is", "comments are")} deleted.`}
        </p>
        {none && !loading && !error && (
          <Empty title="No comments yet.">
            <p>Be the first to say something.</p>
          </Empty>
        )}
        {/* biome-ignore lint/a11y/noRedundantRoles: Safari forgets that a list without bullets is one */}
        <ul role="list" aria-label="Comments, newest first" aria-busy={loading}>
          {own.map((write) => (
            <OwnComment
              key={write.key}
              write={write}
              deletion={deletions.get(resourceId(write) ?? "")}
              onEdit={(body) => {
                setDraft(body);
                drafts.write(itemId, body);
                document.getElementById("comment-text")?.focus();
              }}
            />
          ))}
          {stored.map((comment) => (
            <StoredComment key={comment.id} comment={comment} deletion={deletions.get(comment.id)} />
          ))}
          {none && loading && [0, 1].map((place) => <CommentSkeleton key={place} />)}
        </ul>
        {error && (
          <ErrorNotice error={error} what="The comments could not be loaded." retry={more} busy={loading} />
        )}
        {hasMore && !error && stored.length > 0 && (
          <div class="more">
            <button type="button" class="button" onClick={more} disabled={loading}>
              {loading ? "Loading…" : "More comments"}
            </button>
          </div>
        )}
      </div>
      <CommentForm itemId={itemId} draft={draft} onDraft={setDraft} />
    </section>
  );
}

function MissingItem() {
  return (
    <>
      <h1 tabIndex={-1}>This item does not exist</h1>
      <Empty title="It may have been removed.">
        <p>
          <a class="button" href="#/catalog">
            See all items
          </a>
        </p>
      </Empty>
    </>
  );
}

function DescriptionSkeleton() {
  return (
    <div aria-hidden="true">
      <div class="skeleton skeleton-line" />
      <div class="skeleton skeleton-line" />
      <div class="skeleton skeleton-line skeleton-short" />
    </div>
  );
}

function CommentSkeleton() {
  return (
    <li class="comment" aria-hidden="true">
      <span class="skeleton avatar" />
      <div class="skeleton-block">
        <div class="skeleton skeleton-line skeleton-short" />
        <div class="skeleton skeleton-line" />
      </div>
    </li>
  );
}
