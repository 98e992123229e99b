import type { Shelf } from "../state/storage";
import type { Write } from "./write";

/** Where open writes survive a reload. */
export interface Keeper {
  /** Everything kept, oldest first. */
  all(): Write[];
  /** Whether the browser took it. */
  keep(write: Write): boolean;
  drop(key: string): void;
}

// The number is the format's: entries of another one are left alone.
const PREFIX = "catalog.write.1.";

/** The browser's storage, one entry per write, so that two open pages never overwrite each other's. */
export class LocalKeeper implements Keeper {
  constructor(private readonly storage: Shelf) {}

  all(): Write[] {
    return Array.from({ length: this.storage.length }, (_, index) => this.storage.key(index))
      .filter((name) => name?.startsWith(PREFIX))
      .map((name) => read(this.storage.getItem(name ?? "")))
      .filter((write) => write !== undefined)
      .sort((one, other) => one.createdAt - other.createdAt);
  }

  keep(write: Write): boolean {
    try {
      this.storage.setItem(PREFIX + write.key, JSON.stringify(write));
      return true;
    } catch {
      // Full or forbidden: the write is sent all the same, and its badge says that it would not survive a reload.
      return false;
    }
  }

  drop(key: string): void {
    this.storage.removeItem(PREFIX + key);
  }
}

/** The key of a write whose entry another page removed; undefined for any other change of the storage. */
export function droppedKey(event: StorageEvent): string | undefined {
  return event.key?.startsWith(PREFIX) && event.newValue === null
    ? event.key.slice(PREFIX.length)
    : undefined;
}

/** Anything may be in the storage: only what has a write's parts is one. */
function read(text: string | null): Write | undefined {
  try {
    const parsed = JSON.parse(text ?? "null") as Partial<Write> | null;
    const whole =
      parsed !== null &&
      (parsed.kind === "comment" || parsed.kind === "rating") &&
      typeof parsed.key === "string" &&
      typeof parsed.itemId === "string" &&
      typeof parsed.createdAt === "number" &&
      typeof parsed.body === "object";
    return whole ? (parsed as Write) : undefined;
  } catch {
    return undefined;
  }
}
