import type { Api, CatalogItem } from "../api/client";
import { ApiError } from "../api/errors";
import { Store } from "../store";

type Next = Awaited<ReturnType<Api["listItems"]>>["next"];

/** How much of the catalogue is here. */
export interface Loaded {
  readonly items: readonly CatalogItem[];
  /** Where the next page is: undefined before the first one, null behind the last. */
  readonly next: Next | undefined;
  readonly loading: boolean;
  readonly error?: ApiError;
}

const NOTHING: Loaded = { items: [], next: undefined, loading: false };

/** The catalogue as far as it was read: it outlives the view, so that going back to it costs nothing. */
export class Catalog {
  readonly loaded = new Store<Loaded>(NOTHING);
  /** How many cards the view shows; kept here for the same reason. */
  readonly shown = new Store(PAGE);

  #changed = false;

  constructor(private readonly api: Pick<Api, "listItems">) {}

  /** Reads the next page, if there is one and nobody reads it already. */
  async more(): Promise<void> {
    const before = this.loaded.value;
    if (before.loading || before.next === null) {
      return;
    }
    const { error, ...rest } = before;
    const asking: Loaded = { ...rest, loading: true };
    this.loaded.set(asking);
    const result = await this.#page(before);
    // `reload` may have begun anew in the meantime; this page then belongs to nothing.
    if (this.loaded.value === asking) {
      this.loaded.set(result);
    }
  }

  /** Forgets what was read, for something has changed; from now on the browser's cache is too old, too. */
  reload(): void {
    this.#changed = true;
    this.loaded.set(NOTHING);
    this.shown.set(PAGE);
  }

  /** What is already known of an item: all but its description. */
  find(itemId: string): CatalogItem | undefined {
    return this.loaded.value.items.find((item) => item.id === itemId);
  }

  async #page(before: Loaded): Promise<Loaded> {
    try {
      const page = await this.api.listItems(before.next ?? undefined, { fresh: this.#changed });
      // An item that was renamed while we read may come twice.
      const known = new Set(before.items.map((item) => item.id));
      const items = [...before.items, ...page.entries.filter((item) => !known.has(item.id))];
      return { items, next: page.next, loading: false };
    } catch (error) {
      if (error instanceof ApiError) {
        return { items: before.items, next: before.next, loading: false, error };
      }
      throw error;
    }
  }
}

/** How many more cards are shown at a time. */
export const PAGE = 60;

/** The items whose names have every word of the search, whatever the case and the accents. */
export function matching(items: readonly CatalogItem[], search: string): readonly CatalogItem[] {
  const words = plain(search).split(/\s+/).filter(Boolean);
  return words.length === 0
    ? items
    : items.filter((item) => {
        const name = plain(item.name);
        return words.every((word) => name.includes(word));
      });
}

function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
