import { beforeEach, describe, expect, it } from "vitest";
import { type CatalogItem, createApi } from "../src/api/client";
import { ago, counted, lengthOf, money } from "../src/format";
import { withVotes } from "../src/hooks/useItem";
import { routeOf } from "../src/router";
import { Catalog, matching } from "../src/state/catalog";
import { Drafts } from "../src/state/drafts";
import { shelfOf } from "../src/state/storage";
import { ThemeChoice } from "../src/state/theme";
import { changesOf, fieldsOf, itemOf, onTop } from "../src/views/item-fields";
import { droppedKey, LocalKeeper } from "../src/writes/keeper";
import type { Write } from "../src/writes/write";
import { BASE, FakeApi, problem } from "./fake-api";
import { MemoryStorage } from "./memory";

describe("the catalogue", () => {
  let fake: FakeApi;
  let catalog: Catalog;

  beforeEach(() => {
    fake = new FakeApi();
    fake.pageSize = 2;
    for (const name of ["Alien", "Amélie", "Brazil", "Fargo", "Gattaca"]) {
      fake.item(name);
    }
    catalog = new Catalog(createApi(BASE, fake.fetch));
  });

  const names = () => catalog.loaded.value.items.map((item) => item.name);

  it("grows page by page until the list ends", async () => {
    await catalog.more();
    expect(names()).toEqual(["Alien", "Amélie"]);
    await catalog.more();
    await catalog.more();
    expect(names()).toEqual(["Alien", "Amélie", "Brazil", "Fargo", "Gattaca"]);
    expect(catalog.loaded.value.next).toBeNull();
    await catalog.more();
    expect(fake.seen).toHaveLength(3);
  });

  it("reads a page once, however many ask for it", async () => {
    await Promise.all([catalog.more(), catalog.more(), catalog.more()]);
    expect(fake.seen).toHaveLength(1);
  });

  it("keeps what it has when a page fails, and goes on from there", async () => {
    await catalog.more();
    fake.script.push({ where: /continuation/, answer: () => problem(400, "Not our cursor.") });
    await catalog.more();
    expect(catalog.loaded.value.error?.status).toBe(400);
    expect(names()).toHaveLength(2);
    await catalog.more();
    expect(catalog.loaded.value.error).toBeUndefined();
    expect(names()).toHaveLength(4);
  });

  it("shows an item once that comes twice", async () => {
    await catalog.more();
    fake.item("A late one");
    await catalog.more();
    expect(new Set(names()).size).toBe(names().length);
  });

  it("drops a page that was asked for before it began anew", async () => {
    const reading = catalog.more();
    catalog.reload();
    await reading;
    expect(names()).toEqual([]);
  });

  it.each([
    ["amelie", ["Amélie"]],
    ["  AL ", ["Alien"]],
    ["a z", ["Brazil"]],
    ["", ["Alien", "Amélie", "Brazil", "Fargo", "Gattaca"]],
    ["zzz", []],
  ])("finds %j whatever the case and the accents", async (search, expected) => {
    fake.pageSize = 100;
    await catalog.more();
    expect(matching(catalog.loaded.value.items, search).map((item) => item.name)).toEqual(expected);
  });
});

describe("routes", () => {
  it.each([
    ["", { view: "home", search: "" }],
    ["#/", { view: "home", search: "" }],
    ["#/catalog", { view: "catalog", search: "" }],
    ["#/Catalog/?q=a%20b", { view: "catalog", search: "a b" }],
    ["#/catalog/42", { view: "item", itemId: "42" }],
    ["#/admin", { view: "admin" }],
    ["#/admin/42", { view: "adminItem", itemId: "42" }],
    ["#/catalog/42/more", { view: "unknown" }],
    ["#/nowhere", { view: "unknown" }],
    ["#%", { view: "unknown" }],
  ])("reads %j", (hash, route) => {
    expect(routeOf(hash)).toEqual(route);
  });
});

describe("the keeper", () => {
  const write = {
    kind: "comment",
    key: "k",
    itemId: "i",
    createdAt: 2,
    body: { authorName: "A", text: "T" },
  } as Write;

  it("gives back what it was given, oldest first, and nothing else that lies around", () => {
    const storage = new MemoryStorage();
    const keeper = new LocalKeeper(storage);
    keeper.keep(write);
    keeper.keep({ ...write, key: "earlier", createdAt: 1 });
    storage.setItem("catalog.write.1.broken", "{");
    storage.setItem("catalog.write.1.other", '{"kind":"comment"}');
    storage.setItem("catalog.write.1.null", "null");
    storage.setItem("catalog.theme", "dark");
    expect(keeper.all().map((one) => one.key)).toEqual(["earlier", "k"]);
    keeper.drop("earlier");
    expect(keeper.all()).toEqual([write]);
  });

  it("says so when the browser takes nothing more", () => {
    const storage = new MemoryStorage();
    storage.full = true;
    expect(new LocalKeeper(storage).keep(write)).toBe(false);
  });

  it("recognises what another page dropped", () => {
    const event = (key: string, newValue: string | null) => ({ key, newValue }) as StorageEvent;
    expect(droppedKey(event("catalog.write.1.k", null))).toBe("k");
    expect(droppedKey(event("catalog.write.1.k", "{}"))).toBeUndefined();
    expect(droppedKey(event("catalog.theme", null))).toBeUndefined();
  });
});

describe("small things", () => {
  it("counts a vote into an average", () => {
    expect(withVotes({ averageRating: 4, numberOfVotes: 3 }, [2, 2])).toEqual({
      averageRating: 3.2,
      numberOfVotes: 5,
    });
    expect(withVotes({ averageRating: 0, numberOfVotes: 0 }, [])).toEqual({
      averageRating: 0,
      numberOfVotes: 0,
    });
  });

  it("keeps drafts per item, and the name for all", () => {
    const drafts = new Drafts(new MemoryStorage());
    drafts.write("one", { authorName: "Ada", text: "half a sen" });
    expect(drafts.read("one")).toEqual({ authorName: "Ada", text: "half a sen" });
    expect(drafts.read("two")).toEqual({ authorName: "Ada", text: "" });
  });

  it("works where the browser forbids to keep anything", () => {
    const forbidding = {
      get localStorage(): Storage {
        throw new DOMException("denied", "SecurityError");
      },
    };
    const shelf = shelfOf(forbidding);
    const theme = new ThemeChoice(shelf, document.createElement("html"));
    theme.next();
    expect(theme.theme.value).toBe("light");
    const keeper = new LocalKeeper(shelf);
    expect(keeper.keep({ key: "k" } as Write)).toBe(false);
    expect(keeper.all()).toEqual([]);
    new Drafts(shelf).write("one", { authorName: "Ada", text: "x" });
    expect(new Drafts(shelf).read("one").text).toBe("");
  });

  it("lets a full storage not disturb typing", () => {
    const storage = new MemoryStorage();
    storage.full = true;
    expect(() => new Drafts(storage).write("one", { authorName: "Ada", text: "x" })).not.toThrow();
  });

  it("goes round the themes and remembers", () => {
    const storage = new MemoryStorage();
    const root = document.createElement("html");
    const theme = new ThemeChoice(storage, root);
    const seen = [theme.theme.value];
    for (let turn = 0; turn < 3; turn += 1) {
      theme.next();
      seen.push(theme.theme.value);
    }
    expect(seen).toEqual(["system", "light", "dark", "system"]);
    theme.next();
    new ThemeChoice(storage, root);
    expect(root.getAttribute("data-theme")).toBe("light");
  });

  it.each([
    [0, "just now"],
    [-90, "just now"],
    [125, "2 minutes ago"],
    [7300, "2 hours ago"],
    [86_400 * 40, "last month"],
    [86_400 * 800, "2 years ago"],
  ])("says %i seconds as %s", (seconds, words) => {
    const now = new Date("2026-11-25T12:00:00Z");
    expect(ago(new Date(now.getTime() - seconds * 1000), now)).toBe(words);
  });

  it("reads times with six digits of fraction", () => {
    const now = new Date("2026-11-25T12:05:00Z");
    expect(ago(new Date("2026-11-25T12:00:00.000000Z"), now)).toBe("5 minutes ago");
  });

  it("writes numbers as people do", () => {
    expect([counted(1, "vote"), counted(2000, "vote"), counted(0, "match", "matches")]).toEqual([
      "1 vote",
      "2,000 votes",
      "0 matches",
    ]);
    expect(money(1_000_000_000, "USD")).toBe("$1,000,000,000.00");
    expect(lengthOf("a😀é")).toBe(3);
  });
});

describe("an item's fields", () => {
  const typed = { name: " Alien ", description: "In space.", price: "9,50" };
  const item = { id: "i", name: "Alien", description: "In space.", price: 9.5, version: 1 } as CatalogItem;

  it("become an item", () => {
    expect(itemOf(typed)).toEqual({ item: { name: "Alien", description: "In space.", price: 9.5 } });
    expect(fieldsOf(item)).toEqual({ name: "Alien", description: "In space.", price: "9.50" });
  });

  it.each(["", "-1", "1.005", "1e3", "Infinity", "1000000000.01", "12345678901"])(
    "refuse the price %j",
    (price) => {
      expect(itemOf({ ...typed, price })).toHaveProperty("problems.price");
    },
  );

  it("refuse what is empty or too long", () => {
    expect(itemOf({ ...typed, name: " ", description: "x".repeat(4001) })).toEqual({
      problems: { name: "Enter a name.", description: "That is 1 character too long." },
    });
    expect(itemOf({ ...typed, name: "😀".repeat(200) })).toHaveProperty("item");
  });

  it("follow another version where I changed nothing", () => {
    const base = { name: "A", description: "B", price: "1.00" };
    const theirs = { name: "A2", description: "B2", price: "1.00" };
    expect(onTop({ ...base, name: "Mine", price: "3" }, base, theirs)).toEqual({
      name: "Mine",
      description: "B2",
      price: "3",
    });
  });

  it("send only what differs", () => {
    expect(changesOf({ name: "Aliens", description: "In space.", price: 9.5 }, item)).toEqual({
      name: "Aliens",
    });
    expect(changesOf({ name: "Alien", description: "In space.", price: 9.5 }, item)).toEqual({});
  });
});
