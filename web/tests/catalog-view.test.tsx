import { screen, within } from "@testing-library/preact";
import { describe, expect, it } from "vitest";
import { cut, problem } from "./fake-api";
import { pages } from "./page";

describe("the catalogue's view", () => {
  const { fake, open } = pages();
  const cards = () =>
    [...document.querySelectorAll("div.catalog-item .card-name")].map((card) => card.textContent);

  function films(count: number) {
    for (let index = 0; index < count; index += 1) {
      fake().item(`Film ${String(index).padStart(4, "0")}`, { price: index });
    }
  }

  it("shows names, prices and a way to each item", async () => {
    const { id } = fake().item("Metropolis", { price: 1234.5 });
    await open("#/");
    const link = screen.getByRole("link", { name: /Metropolis/ });
    expect(link.getAttribute("href")).toBe(`#/catalog/${id}`);
    expect(within(link).getByText("$1,234.50")).toBeTruthy();
    expect(document.title).toContain("AlwaysOn Catalog");
  });

  it("draws the same cover for the same name, and another for another", async () => {
    fake().item("Alien");
    fake().item("Alien");
    fake().item("Brazil");
    await open("#/catalog");
    const [one, same, other] = [...document.querySelectorAll("svg.cover")].map((cover) => cover.innerHTML);
    expect(same).toBe(one);
    expect(other).not.toBe(one);
    expect(document.querySelectorAll("[style]")).toHaveLength(0);
  });

  it("shows a part at first, and more on demand until the end", async () => {
    films(150);
    const { user, wait } = await open("#/catalog");
    expect(cards()).toHaveLength(60);
    await user.click(screen.getByRole("button", { name: "Show more" }));
    await wait();
    expect(cards()).toHaveLength(120);
    await user.click(screen.getByRole("button", { name: "Show more" }));
    await wait();
    expect(cards()).toHaveLength(150);
    expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
  });

  it("looks through all pages for a search, and finds what is on the last one", async () => {
    films(450);
    fake().item("Zardoz");
    const { user, wait } = await open("#/catalog");
    expect(fake().seen).toHaveLength(1);
    await user.type(screen.getByRole("searchbox"), "zard");
    await wait(200);
    expect(cards()).toEqual(["Zardoz"]);
    expect(fake().seen).toHaveLength(5);
    expect(screen.getByText("1 match for “zard”")).toBeTruthy();
    expect(window.location.hash).toBe("#/catalog?q=zard");
  });

  it("says when nothing is found, and offers everything again", async () => {
    films(3);
    const { user, wait } = await open("#/catalog?q=nothing");
    expect(screen.getByText("Nothing is called “nothing”.")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Show everything" }));
    await wait();
    expect(cards()).toHaveLength(3);
  });

  it("says that an empty catalogue is empty", async () => {
    await open("#/");
    expect(screen.getByText("The catalog is empty.")).toBeTruthy();
  });

  it("tells an outage, and recovers when asked", async () => {
    films(2);
    fake().script.push(
      ...Array.from({ length: 4 }, () => ({ where: /GET/, answer: () => problem(503, "x") })),
    );
    const { user, wait } = await open("#/");
    await wait(20_000);
    expect(screen.getByRole("alert").textContent).toContain("The catalog could not be loaded.");
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await wait();
    expect(cards()).toHaveLength(2);
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("recovers by itself when the network is back", async () => {
    films(2);
    fake().script.push(...Array.from({ length: 4 }, () => ({ where: /GET/, answer: cut })));
    const { services, wait } = await open("#/");
    services.online.set(false);
    await wait(20_000);
    expect(screen.getByText(/You are offline/)).toBeTruthy();
    services.online.set(true);
    await wait();
    expect(cards()).toHaveLength(2);
    expect(screen.queryByText(/You are offline/)).toBeNull();
  });

  it("is still there when one comes back to it", async () => {
    films(90);
    const { user, wait, go } = await open("#/catalog");
    await user.click(screen.getByRole("button", { name: "Show more" }));
    await wait();
    await go(`#/catalog/${fake().items[0]?.id}`);
    const pagesRead = () => fake().requests("GET", /^\/catalogitem\?/).length;
    const before = pagesRead();
    await go("#/catalog");
    expect(cards()).toHaveLength(90);
    expect(pagesRead()).toBe(before);
  });

  it("has an answer for a wrong address", async () => {
    await open("#/nowhere/at/all");
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("There is no such page");
  });
});
