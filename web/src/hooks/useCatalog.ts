import { useEffect, useMemo } from "preact/hooks";
import type { CatalogItem } from "../api/client";
import { useServices } from "../services";
import { type Loaded, matching, PAGE } from "../state/catalog";
import type { Write } from "../writes/write";
import { useStore } from "./useStore";

/** The part of the catalogue that a view shows, and how the rest of it comes. */
export interface Found extends Loaded {
  /** What matches the search, as far as it is shown. */
  readonly visible: readonly CatalogItem[];
  /** Whether pages are still being looked through for this view. */
  readonly looking: boolean;
  /** Whether there is more to show, here or in the service. */
  readonly hasMore: boolean;
  readonly showMore: () => void;
  readonly retry: () => void;
}

/** Shows matches of a search, and reads page after page until they fill the view or the list ends. */
export function useCatalog(search: string): Found {
  const { catalog, online, queue } = useServices();
  const loaded = useStore(catalog.loaded);
  const shown = useStore(catalog.shown);
  const writes = useStore(queue.writes);
  const items = useMemo(() => withoutDeleted(loaded.items, writes), [loaded.items, writes]);
  const matches = useMemo(() => matching(items, search), [items, search]);
  const wanting = matches.length < shown && loaded.next !== null;

  useEffect(() => {
    if (wanting && !loaded.loading && !loaded.error) {
      void catalog.more();
    }
  }, [catalog, wanting, loaded]);

  const failed = loaded.error !== undefined;
  useEffect(
    () => (failed ? online.subscribe(() => online.value && void catalog.more()) : undefined),
    [failed, online, catalog],
  );

  return {
    ...loaded,
    items,
    visible: matches.slice(0, shown),
    looking: wanting && !loaded.error,
    hasMore: matches.length > shown || loaded.next !== null,
    showMore: () => catalog.shown.set(catalog.shown.value + PAGE),
    retry: () => void catalog.more(),
  };
}

/** A list may be some moments old, or come from a region that has not heard of the deletion yet. */
function withoutDeleted(items: readonly CatalogItem[], writes: readonly Write[]): readonly CatalogItem[] {
  const gone = new Set(
    writes.flatMap((write) => (write.kind === "deleteItem" && write.state === "saved" ? [write.itemId] : [])),
  );
  return gone.size === 0 ? items : items.filter((item) => !gone.has(item.id));
}
