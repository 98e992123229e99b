import { useState } from "preact/hooks";
import type { CatalogItem } from "../api/client";
import { Cover } from "./Cover";

interface Props {
  readonly item: Pick<CatalogItem, "name" | "imageUrl" | "version">;
  /** Whether it has a text of its own; not beside the item's name in a card, where that would be read twice. */
  readonly described?: boolean;
  /** Whether it is what people came for: then it does not wait until it is scrolled to. */
  readonly eager?: boolean;
}

/** An item's image, or a made cover where there is none or it does not load. */
export function ItemPicture({ item, described = false, eager = false }: Props) {
  const [broken, setBroken] = useState<string>();
  // The address is the item's and stays; with the version a changed item is another address for the browser's cache.
  const address = item.imageUrl && `${item.imageUrl}?v=${item.version}`;
  if (address && address !== broken) {
    return (
      <img
        class="cover"
        src={address}
        alt={described ? `Picture of ${item.name}` : ""}
        width={300}
        height={400}
        loading={eager ? "eager" : "lazy"}
        decoding="async"
        onError={() => setBroken(address)}
      />
    );
  }
  return <Cover name={item.name} />;
}
