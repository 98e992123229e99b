import type { Keeper } from "../src/writes/keeper";
import type { Write } from "../src/writes/write";

/** A storage that can be full. */
export class MemoryStorage implements Storage {
  full = false;
  readonly #entries = new Map<string, string>();
  [name: string]: unknown;

  constructor() {
    // Like the browser's, it lists its entries as its own properties.
    // biome-ignore lint/correctness/noConstructorReturn: a proxy is the only way to be such an object
    return new Proxy(this, {
      ownKeys: () => [...this.#entries.keys()],
      getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
      get: (_, name) => {
        const value = Reflect.get(this, name, this);
        return typeof value === "function" ? value.bind(this) : value;
      },
      set: (_, name, value) => Reflect.set(this, name, value, this),
    });
  }

  get length(): number {
    return this.#entries.size;
  }
  clear(): void {
    this.#entries.clear();
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
