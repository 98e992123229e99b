import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Comment, RatingSummary, TaggedItem } from "../api/client";
import { ApiError, isAbandoned } from "../api/errors";
import { useServices } from "../services";
import type { WriteQueue } from "../writes/queue";
import { resourceId, type Write, type WriteOf } from "../writes/write";
import { type Load, useLoad } from "./useLoad";
import { useStore } from "./useStore";

/** One item; `fresh` asks past the browser's cache. */
export function useItem(itemId: string, fresh = false): Load<TaggedItem> {
  const { api } = useServices();
  return useLoad(
    useCallback(
      (signal: AbortSignal, again: boolean) => api.getItem(itemId, { signal, fresh: fresh || again }),
      [api, itemId, fresh],
    ),
  );
}

/** The writes of one item and kind that are in this page, oldest first. */
export function useItemWrites<Kind extends Write["kind"]>(
  itemId: string,
  kind: Kind,
): readonly WriteOf<Kind>[] {
  const writes = useStore(useServices().queue.writes);
  return useMemo(
    () =>
      writes.filter(
        (write): write is WriteOf<Kind> =>
          write.kind === kind && "itemId" in write && write.itemId === itemId,
      ),
    [writes, kind, itemId],
  );
}

/** The stars of an item, with the votes of this page already counted. */
export function useSummary(itemId: string): Load<RatingSummary> & { pending: boolean } {
  const { api } = useServices();
  const writes = useItemWrites(itemId, "rating");
  const saved = useRef<ReadonlySet<string>>(new Set());
  saved.current = new Set(writes.filter((write) => write.state === "saved").map((write) => write.key));
  const load = useLoad(
    useCallback(
      async (signal: AbortSignal, again: boolean) => {
        // What was saved before we ask is in the answer; the rest we still count ourselves.
        const counted = saved.current;
        return {
          summary: await api.getSummary(itemId, { signal, fresh: again || counted.size > 0 }),
          counted,
        };
      },
      [api, itemId],
    ),
  );
  const { reload } = load;
  const savedCount = saved.current.size;
  const seen = useRef(savedCount);
  useEffect(() => {
    if (savedCount > seen.current) {
      reload();
    }
    seen.current = savedCount;
  }, [savedCount, reload]);

  const { data, ...rest } = load;
  if (!data) {
    return { ...rest, pending: false };
  }
  const own = writes.filter((write) => write.state !== "failed" && !data.counted.has(write.key));
  return {
    ...rest,
    data: withVotes(
      data.summary,
      own.map((write) => write.body.rating),
    ),
    pending: own.length > 0,
  };
}

/** A summary with more votes in it. */
export function withVotes(summary: RatingSummary, votes: readonly number[]): RatingSummary {
  const numberOfVotes = summary.numberOfVotes + votes.length;
  const stars = summary.averageRating * summary.numberOfVotes + votes.reduce((sum, vote) => sum + vote, 0);
  return { averageRating: numberOfVotes === 0 ? 0 : stars / numberOfVotes, numberOfVotes };
}

/** The comments of an item: those the service has, and those on their way, newest first. */
export interface Comments {
  readonly own: readonly WriteOf<"comment">[];
  readonly stored: readonly Comment[];
  /** Deletions of this page by the comment they are for; those that are through have no comment any more. */
  readonly deletions: ReadonlyMap<string, WriteOf<"deleteComment">>;
  readonly loading: boolean;
  readonly error?: ApiError;
  readonly hasMore: boolean;
  readonly more: () => void;
}

/** Pages of comments, as far as they were asked for. */
export function useComments(itemId: string): Comments {
  const { api, online, queue } = useServices();
  const own = useItemWrites(itemId, "comment");
  const deletions = useDeletions(itemId);
  const [state, setState] = useState<CommentPages>(NO_PAGES);
  const abort = useRef(new AbortController());

  const load = useCallback(
    async (before: CommentPages) => {
      const { signal } = abort.current;
      const { error: _, ...rest } = before;
      setState({ ...rest, loading: true });
      try {
        const page = await api.listComments(itemId, before.next ?? undefined, { signal });
        setState({ stored: merged(before.stored, page.entries), next: page.next, loading: false });
      } catch (error) {
        if (!isAbandoned(error) && error instanceof ApiError) {
          setState({ ...before, loading: false, error });
        } else if (!isAbandoned(error)) {
          throw error;
        }
      }
    },
    [api, itemId],
  );

  useEffect(() => {
    abort.current = new AbortController();
    void load(NO_PAGES);
    return () => {
      abort.current.abort();
      // The next visit finds them in the list.
      for (const write of queue.writes.value) {
        if (write.kind === "comment" && write.itemId === itemId && write.state === "saved") {
          queue.forget(write.key);
        }
      }
    };
  }, [load, queue, itemId]);

  useEffect(
    () =>
      onSaved(queue, itemId, () =>
        // For the browser's cache: a reload of the page shall not show the list as it was before.
        api
          .listComments(itemId, undefined, { fresh: true, signal: abort.current.signal })
          .catch(ignoreFailure),
      ),
    [api, queue, itemId],
  );

  const failed = state.error !== undefined;
  useEffect(
    () => (failed ? online.subscribe(() => online.value && void load(state)) : undefined),
    [failed, online, load, state],
  );

  const ownIds = new Set(own.map(resourceId));
  const isGone = (id: string | undefined) => deletions.get(id ?? "")?.state === "saved";
  return {
    ...state,
    deletions,
    own: own.filter((write) => !isGone(resourceId(write))).reverse(),
    stored: state.stored.filter((comment) => !ownIds.has(comment.id) && !isGone(comment.id)),
    hasMore: state.next !== null,
    more: () => void load(state),
  };
}

function useDeletions(itemId: string): ReadonlyMap<string, WriteOf<"deleteComment">> {
  const writes = useItemWrites(itemId, "deleteComment");
  return useMemo(() => new Map(writes.map((write) => [write.commentId, write])), [writes]);
}

/** Calls back when comments of an item get saved or deleted from now on; answers how to stop that. */
function onSaved(queue: WriteQueue, itemId: string, callback: () => void): () => void {
  const saved = () =>
    queue.writes.value.filter(
      (write) =>
        (write.kind === "comment" || write.kind === "deleteComment") &&
        write.itemId === itemId &&
        write.state === "saved",
    ).length;
  let before = saved();
  return queue.writes.subscribe(() => {
    const now = saved();
    if (now > before) {
      callback();
    }
    before = now;
  });
}

/** The comment is shown in any case: only a reload within seconds may miss it. */
function ignoreFailure(error: unknown): void {
  if (!(error instanceof ApiError) && !isAbandoned(error)) {
    throw error;
  }
}

function merged(known: readonly Comment[], more: readonly Comment[]): readonly Comment[] {
  const ids = new Set(known.map((comment) => comment.id));
  return [...known, ...more.filter((comment) => !ids.has(comment.id))];
}

interface CommentPages {
  readonly stored: readonly Comment[];
  readonly next:
    | Awaited<ReturnType<ReturnType<typeof useServices>["api"]["listComments"]>>["next"]
    | undefined;
  readonly loading: boolean;
  readonly error?: ApiError;
}

const NO_PAGES: CommentPages = { stored: [], next: undefined, loading: true };
