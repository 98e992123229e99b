import { useEffect } from "preact/hooks";

/** Puts a view's name before the catalogue's in the window's title. */
export function useTitle(name: string | undefined): void {
  useEffect(() => {
    document.title = name ? `${name} · AlwaysOn Catalog` : "AlwaysOn Catalog";
  }, [name]);
}
