/** The part of a browser's storage that the page uses. */
export type Shelf = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/** The browser's storage, or one that lasts as long as the page where the visitor's settings forbid it. */
export function shelfOf(window: Pick<Window, "localStorage">): Shelf {
  try {
    return window.localStorage;
  } catch (error) {
    if (error instanceof DOMException) {
      return new PageShelf();
    }
    throw error;
  }
}

/** Takes nothing that would have to outlive the page: whoever asks is told by the same error as of a full storage. */
class PageShelf implements Shelf {
  readonly length = 0;
  key(): null {
    return null;
  }
  getItem(): null {
    return null;
  }
  setItem(): never {
    throw new DOMException("The browser keeps nothing for this page.", "QuotaExceededError");
  }
  removeItem(): void {}
}
