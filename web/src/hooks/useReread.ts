import { useEffect, useRef } from "preact/hooks";
import { type Backoff, waitAfter } from "../backoff";

const WAITS: Backoff = { firstMs: 400, factor: 1.7, mostMs: 4000 };
const TRIES = 8;

/**
 * Reads again and again while `expected` says that the service knows of something newer than `seen`: the other region,
 * which may answer the next read, learns of a change a moment later.
 */
export function useReread(expected: boolean, seen: unknown, reload: () => void): void {
  const tries = useRef(0);
  if (!expected) {
    tries.current = 0;
  }
  useEffect(() => {
    if (!expected || tries.current >= TRIES) {
      return undefined;
    }
    tries.current += 1;
    const timer = setTimeout(
      reload,
      tries.current === 1 ? 0 : waitAfter(tries.current - 1, WAITS, Math.random),
    );
    return () => clearTimeout(timer);
    // `seen` is another object after each answer, the same one or not.
  }, [expected, seen, reload]);
}
