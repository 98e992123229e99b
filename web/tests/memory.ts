import type { Shelf } from "../src/state/storage";
import type { Keeper } from "../src/writes/keeper";
import type { Write } from "../src/writes/write";

/** A storage that can be full. */
export class MemoryStorage implements Shelf {
  full = false;
  readonly #entries = new Map<string, string>();

  get length(): number {
    return this.#entries.size;
  }
  key(index: number): string | null {
    return [...this.#entries.keys()][index] ?? null;
  }
  getItem(name: string): string | null {
    return this.#entries.get(name) ?? null;
  }
  setItem(name: string, value: string): void {
    if (this.full) {
      throw new DOMException("full", "QuotaExceededError");
    }
    this.#entries.set(name, value);
  }
  removeItem(name: string): void {
    this.#entries.delete(name);
  }
}

/** A keeper whose entries a test can look at, and give to the next page. */
export class MemoryKeeper implements Keeper {
  readonly kept = new Map<string, Write>();
  all(): Write[] {
    return [...this.kept.values()];
  }
  keep(write: Write): boolean {
    this.kept.set(write.key, write);
    return true;
  }
  drop(key: string): void {
    this.kept.delete(key);
  }
}
