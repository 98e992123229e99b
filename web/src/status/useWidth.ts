import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

const BEFORE_MEASURING = 720;

/** How wide an element is, in whole pixels, now and after each change. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(BEFORE_MEASURING);
  useLayoutEffect(() => {
    const measured = element.current;
    if (!measured) {
      return undefined;
    }
    const take = () => setWidth(Math.floor(measured.clientWidth) || BEFORE_MEASURING);
    take();
    const observer = new ResizeObserver(take);
    observer.observe(measured);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
