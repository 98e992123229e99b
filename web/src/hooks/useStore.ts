import { useEffect, useState } from "preact/hooks";
import type { Store } from "../store";

/** The value of a store, now and after each change. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState(() => store.value);
  useEffect(() => {
    const take = () => setValue(() => store.value);
    // It may have changed between rendering and this effect.
    take();
    return store.subscribe(take);
  }, [store]);
  return value;
}
