import type { CatalogItem } from "../api/client";
import { money } from "../format";
import { memo } from "../memo";
import { itemHash } from "../router";
import { ItemPicture } from "./ItemPicture";

/** One item in the catalogue. */
export const ItemCard = memo(function ItemCard({ item, currency }: { item: CatalogItem; currency: string }) {
  return (
    <li>
      <div class="catalog-item">
        <a href={itemHash(item.id)}>
          <ItemPicture item={item} />
          <span class="card-name">{item.name}</span>
          <span class="card-price">{money(item.price, currency)}</span>
        </a>
      </div>
    </li>
  );
});

/** The place of a card that is not here yet. */
export function CardSkeleton() {
  return (
    <li aria-hidden="true">
      <div class="skeleton skeleton-cover" />
      <div class="skeleton skeleton-line" />
      <div class="skeleton skeleton-line skeleton-short" />
    </li>
  );
}
