import { Store } from "../store";
import type { Shelf } from "./storage";

export type Theme = "system" | "light" | "dark";

const NAME = "catalog.theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

/** Light, dark, or whatever the system says; remembered. */
export class ThemeChoice {
  readonly theme: Store<Theme>;

  constructor(
    private readonly storage: Shelf,
    private readonly root: HTMLElement,
  ) {
    const stored = storage.getItem(NAME);
    this.theme = new Store(THEMES.find((theme) => theme === stored) ?? "system");
    this.#show();
  }

  /** The one after the present one. */
  next(): void {
    const index = THEMES.indexOf(this.theme.value) + 1;
    this.theme.set(THEMES[index % THEMES.length] ?? "system");
    this.#show();
    try {
      this.storage.setItem(NAME, this.theme.value);
    } catch (error) {
      // Full or forbidden: the choice then lasts as long as the page.
      if (!(error instanceof DOMException)) {
        throw error;
      }
    }
  }

  #show(): void {
    if (this.theme.value === "system") {
      this.root.removeAttribute("data-theme");
    } else {
      this.root.setAttribute("data-theme", this.theme.value);
    }
  }
}
