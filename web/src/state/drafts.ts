import type { NewComment } from "../api/client";
import type { Shelf } from "./storage";

const NAME = "catalog.author";
const DRAFT = "catalog.draft.";

/** What somebody typed and has not sent yet, per item, and the name they gave last. */
export class Drafts {
  constructor(private readonly storage: Shelf) {}

  read(itemId: string): NewComment {
    return {
      authorName: this.storage.getItem(NAME) ?? "",
      text: this.storage.getItem(DRAFT + itemId) ?? "",
    };
  }

  /** Remembers the draft as far as the browser allows: what is typed stays on the screen in any case. */
  write(itemId: string, draft: NewComment): void {
    try {
      this.storage.setItem(NAME, draft.authorName);
      if (draft.text === "") {
        this.storage.removeItem(DRAFT + itemId);
      } else {
        this.storage.setItem(DRAFT + itemId, draft.text);
      }
    } catch (error) {
      if (!(error instanceof DOMException)) {
        throw error;
      }
    }
  }
}
