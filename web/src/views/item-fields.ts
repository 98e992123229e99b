import type { CatalogItem, ItemChanges, NewItem } from "../api/client";
import { counted, lengthOf } from "../format";

/** An item's fields as they are typed. */
export interface Fields {
  readonly name: string;
  readonly description: string;
  readonly price: string;
}

export type FieldProblems = Partial<Record<keyof Fields, string>>;

export const NO_FIELDS: Fields = { name: "", description: "", price: "" };

const MOST_PRICE = 1_000_000_000;

/** The fields of an item, ready to be edited. */
export function fieldsOf(item: CatalogItem): Fields {
  return { name: item.name, description: item.description ?? "", price: item.price.toFixed(2) };
}

/** The item that is typed, or what is wrong with it, by the service's own rules. */
export function itemOf(fields: Fields): { item: NewItem } | { problems: FieldProblems } {
  const name = fields.name.trim();
  const description = fields.description.trim();
  const price = fields.price.trim().replace(",", ".");
  const problems: FieldProblems = {
    ...textProblem("name", name, 200),
    ...textProblem("description", description, 4000),
    ...(/^\d{1,10}(\.\d{1,2})?$/.test(price) && Number(price) <= MOST_PRICE
      ? {}
      : { price: "Enter a price such as 12.99, up to 1,000,000,000." }),
  };
  return Object.keys(problems).length > 0
    ? { problems }
    : { item: { name, description, price: Number(price) } };
}

/** What differs between an item and the one that it was, so that a change leaves the other fields alone. */
export function changesOf(item: NewItem, base: CatalogItem): ItemChanges {
  return {
    ...(item.name === base.name ? {} : { name: item.name }),
    ...(item.description === base.description ? {} : { description: item.description }),
    ...(item.price === base.price ? {} : { price: item.price }),
  };
}

/** My changes on top of their version: what I left as it was follows them. */
export function onTop(mine: Fields, base: Fields, theirs: Fields): Fields {
  const field = (name: keyof Fields) => (mine[name] === base[name] ? theirs[name] : mine[name]);
  return { name: field("name"), description: field("description"), price: field("price") };
}

/** Whether two versions of an item say the same in every field that can be typed. */
export function sameFields(one: Fields, other: Fields): boolean {
  return one.name === other.name && one.description === other.description && one.price === other.price;
}

function textProblem(field: "name" | "description", text: string, most: number): FieldProblems {
  if (text === "") {
    return { [field]: `Enter a ${field}.` };
  }
  const over = lengthOf(text) - most;
  return over > 0 ? { [field]: `That is ${counted(over, "character")} too long.` } : {};
}
