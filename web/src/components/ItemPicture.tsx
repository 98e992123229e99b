import { useState } from "preact/hooks";
import type { CatalogItem } from "../api/client";
import { Cover } from "./Cover";

/** An item's image, or a made cover where there is none or it does not load. */
export function ItemPicture({ item }: { readonly item: Pick<CatalogItem, "name" | "imageUrl"> }) {
  const [broken, setBroken] = useState<string>();
  if (item.imageUrl && item.imageUrl !== broken) {
    const { imageUrl } = item;
    return <img class="cover" src={imageUrl} alt="" loading="lazy" onError={() => setBroken(imageUrl)} />;
  }
  return <Cover name={item.name} />;
}
