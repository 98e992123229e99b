import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../components/Icon";
import { CardSkeleton, ItemCard } from "../components/ItemCard";
import { Empty, ErrorNotice } from "../components/notices";
import { counted } from "../format";
import { type Found, useCatalog } from "../hooks/useCatalog";
import { useServices } from "../services";
import { PAGE } from "../state/catalog";

/** All items by name, with a search; at home with a word of welcome. */
export function CatalogView({ search, home }: { readonly search: string; readonly home: boolean }) {
  const found = useCatalog(search);
  return (
    <>
      <div class={home ? "hero" : "hero hero-small"}>
        <h1 tabIndex={-1}>{home ? "Find something worth your evening" : "The catalog"}</h1>
        {home && (
          <p class="lead">Browse, rate and discuss. It stays on, even when a whole region goes off.</p>
        )}
        <SearchField search={search} />
      </div>
      <Summary found={found} search={search} />
      {found.error && (
        <ErrorNotice
          error={found.error}
          what={
            found.items.length === 0
              ? "The catalog could not be loaded."
              : "The next items could not be loaded."
          }
          retry={found.retry}
          busy={found.loading}
        />
      )}
      <Grid found={found} />
      {!found.hasMore && found.visible.length === 0 && <NothingFound search={search} />}
      {found.hasMore && !found.error && <More found={found} />}
      {!found.hasMore && found.visible.length > PAGE / 2 && <p class="list-end">That is all.</p>}
    </>
  );
}

function SearchField({ search }: { readonly search: string }) {
  const { router, catalog } = useServices();
  return (
    <search>
      <form class="search" onSubmit={(event) => event.preventDefault()}>
        <Icon name="search" />
        <input
          id="search"
          type="search"
          aria-label="Search by name"
          placeholder="Search by name"
          autocomplete="off"
          spellcheck={false}
          value={search}
          onInput={(event) => {
            catalog.shown.set(PAGE);
            router.setSearch(event.currentTarget.value);
          }}
        />
      </form>
    </search>
  );
}

/** How many there are, for eyes and for screen readers; only settled counts are announced. */
function Summary({ found, search }: { readonly found: Found; readonly search: string }) {
  const all = found.next === null;
  const many = found.visible.length;
  const searching = search.trim() !== "";
  let words = "";
  if (searching && found.looking) {
    words = `${counted(many, "match", "matches")} in the first ${counted(found.items.length, "item")}, still looking…`;
  } else if (searching) {
    words = `${counted(many, "match", "matches")}${found.hasMore ? " and more" : ""} for “${search.trim()}”`;
  } else if (found.items.length > 0) {
    words = all ? `${counted(found.items.length, "item")}, by name` : "By name";
  }
  return (
    <div class="summary">
      <p role="status">{words}</p>
      {searching && found.looking && <progress aria-label="Looking through the catalog" />}
    </div>
  );
}

const PLACES = Array.from({ length: 12 }, (_, index) => index);

function Grid({ found }: { readonly found: Found }) {
  const { config } = useServices();
  const first = found.items.length === 0 && !found.error && found.next !== null;
  return (
    // biome-ignore lint/a11y/noRedundantRoles: Safari forgets that a list without bullets is one
    <ul class="grid" role="list" aria-label="Items" aria-busy={first}>
      {found.visible.map((item) => (
        <ItemCard key={item.id} item={item} currency={config.currency} />
      ))}
      {first && PLACES.map((place) => <CardSkeleton key={place} />)}
    </ul>
  );
}

/** Comes into view when the list's end is near, and shows more by itself; with the keyboard it is a button. */
function More({ found }: { readonly found: Found }) {
  const button = useRef<HTMLButtonElement>(null);
  const { showMore, looking } = found;
  const latest = useRef(showMore);
  latest.current = showMore;
  useEffect(() => {
    const element = button.current;
    if (!element || looking) {
      return undefined;
    }
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && latest.current(),
      { rootMargin: "600px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
    // Observed anew after each change of the list: an end that stays in view must be noticed again.
  }, [looking, found.visible.length]);
  return (
    <div class="more">
      <button type="button" class="button" ref={button} onClick={showMore} disabled={looking}>
        {looking ? "Loading…" : "Show more"}
      </button>
    </div>
  );
}

function NothingFound({ search }: { readonly search: string }) {
  const { router } = useServices();
  return search.trim() === "" ? (
    <Empty title="The catalog is empty.">
      <p>
        An administrator can <a href="#/admin">add the first item</a>.
      </p>
    </Empty>
  ) : (
    <Empty title={`Nothing is called “${search.trim()}”.`}>
      <button type="button" class="button" onClick={() => router.setSearch("")}>
        Show everything
      </button>
    </Empty>
  );
}
