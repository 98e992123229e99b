import { Store } from "./store";

/** What the part after `#` asks for. */
export type Route =
  | { readonly view: "home" | "catalog"; readonly search: string }
  | { readonly view: "item"; readonly itemId: string }
  | { readonly view: "status" }
  | { readonly view: "admin" }
  | { readonly view: "adminItem"; readonly itemId: string }
  | { readonly view: "unknown" };

/** The route of a hash such as `#/catalog/{id}`; a link that somebody mistyped is `unknown`, never an error. */
export function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  const [first = "", second, ...more] = path.split("/").filter((part) => part !== "");
  const search = new URLSearchParams(query).get("q") ?? "";
  if (more.length > 0) {
    return { view: "unknown" };
  }
  switch (first.toLowerCase()) {
    case "":
      return { view: "home", search };
    case "catalog":
      return second === undefined ? { view: "catalog", search } : { view: "item", itemId: second };
    case "status":
      return second === undefined ? { view: "status" } : { view: "unknown" };
    case "admin":
      return second === undefined ? { view: "admin" } : { view: "adminItem", itemId: second };
    default:
      return { view: "unknown" };
  }
}

/** The address of an item's page. */
export function itemHash(itemId: string): string {
  return `#/catalog/${encodeURIComponent(itemId)}`;
}

/** The address where an item is edited. */
export function editHash(itemId: string): string {
  return `#/admin/${encodeURIComponent(itemId)}`;
}

/** Keeps the route in step with the address, and each place in the history with how far it was scrolled. */
export class Router {
  readonly route: Store<Route>;

  constructor(private readonly window: Window & typeof globalThis) {
    this.route = new Store(routeOf(window.location.hash));
  }

  start(): void {
    const { history } = this.window;
    history.scrollRestoration = "manual";
    this.window.addEventListener("hashchange", () => this.follow());
    let settled: ReturnType<typeof setTimeout>;
    this.window.addEventListener("scroll", () => {
      clearTimeout(settled);
      const { href } = this.window.location;
      settled = setTimeout(() => {
        if (href === this.window.location.href) {
          history.replaceState({ scrollY: this.window.scrollY }, "");
        }
      }, 120);
    });
  }

  /** Takes the route from the address bar. */
  follow(): void {
    this.route.set(routeOf(this.window.location.hash));
  }

  /** How far this place in the history was scrolled when it was left; 0 for a new one. */
  get scrollY(): number {
    const state = this.window.history.state as { scrollY?: number } | null;
    return state?.scrollY ?? 0;
  }

  /** Puts a search into the address, so that it can be shared and come back to; adds no step to the history. */
  setSearch(search: string): void {
    const route = this.route.value;
    if (route.view === "home" || route.view === "catalog") {
      const path = route.view === "home" ? "#/" : "#/catalog";
      const query = search === "" ? "" : `?${new URLSearchParams({ q: search })}`;
      this.window.history.replaceState(null, "", path + query);
      this.route.set({ view: route.view, search });
    }
  }
}
