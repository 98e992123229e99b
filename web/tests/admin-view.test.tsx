import { fireEvent, screen } from "@testing-library/preact";
import { describe, expect, it } from "vitest";
import { type Page, pages } from "./page";

describe("administration", () => {
  const { fake, open } = pages();
  const byId = (id: string) => document.getElementById(id) as HTMLInputElement;
  const fill = (id: string, value: string) => fireEvent.input(byId(id), { target: { value } });

  async function enter({ wait }: Page, key: string) {
    fill("admin-key", key);
    fireEvent.click(byId("submit-key"));
    await wait();
  }

  async function edit(): Promise<Page> {
    const page = await open(`#/admin/${fake().items[0]?.id}`);
    await enter(page, fake().apiKey);
    return page;
  }

  it("asks for the key first, and stores it nowhere", async () => {
    const page = await open("#/admin");
    expect(byId("item-name")).toBeNull();
    await enter(page, " ");
    expect(screen.getByText("Enter the key.")).toBeTruthy();
    await enter(page, fake().apiKey);
    expect(byId("item-name")).toBeTruthy();
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain(fake().apiKey);
  });

  it("creates an item", async () => {
    const page = await open("#/admin");
    await enter(page, fake().apiKey);
    fill("item-name", "Solaris");
    fill("item-description", "An ocean that thinks.");
    fill("item-price", "14.99");
    fireEvent.click(byId("submit-item"));
    await page.wait(1100);
    expect(fake().items.map(({ name, price }) => ({ name, price }))).toEqual([
      { name: "Solaris", price: 14.99 },
    ]);
    expect(screen.getByRole("link", { name: "See the item" }).getAttribute("href")).toBe(
      `#/catalog/${fake().items[0]?.id}`,
    );
    expect(byId("item-name").value).toBe("");
  });

  it("says what is wrong with each field", async () => {
    const page = await open("#/admin");
    await enter(page, fake().apiKey);
    fill("item-price", "1.005");
    fireEvent.click(byId("submit-item"));
    await page.wait();
    expect(screen.getByText("Enter a name.")).toBeTruthy();
    expect(screen.getByText(/Enter a price such as/)).toBeTruthy();
    expect(fake().requests("POST", /./)).toHaveLength(0);
  });

  it("offers another key when the first was wrong, and keeps what was typed for a retry", async () => {
    const page = await open("#/admin");
    await enter(page, "wrong");
    fill("item-name", "Solaris");
    fill("item-description", "An ocean that thinks.");
    fill("item-price", "14.99");
    fireEvent.click(byId("submit-item"));
    await page.wait();
    expect(screen.getByRole("alert").textContent).toContain("The API key was not accepted.");
    expect(byId("item-name").value).toBe("Solaris");
    fireEvent.click(screen.getByRole("button", { name: "Enter another key" }));
    await page.wait();
    expect(byId("admin-key")).toBeTruthy();
  });

  it("finds an item to edit", async () => {
    const { id } = fake().item("Solaris");
    fake().item("Stalker");
    const page = await open("#/admin");
    await enter(page, fake().apiKey);
    fireEvent.input(screen.getByRole("searchbox"), { target: { value: "sol" } });
    await page.wait();
    const links = screen.getAllByRole("link").map((link) => link.getAttribute("href"));
    expect(links.filter((href) => href?.startsWith("#/admin/"))).toEqual([`#/admin/${id}`]);
  });

  it("sends what was changed, on condition that nobody else did", async () => {
    fake().item("Solaris", { price: 10 });
    const page = await edit();
    expect(byId("item-price").value).toBe("10.00");
    fill("item-price", "12");
    fireEvent.click(byId("submit-item"));
    await page.wait(1100);
    const [put] = fake().requests("PUT", /./);
    expect(put?.body).toEqual({ price: 12 });
    expect(put?.headers.get("If-Match")).toBe('"1"');
    expect(screen.getByText("Saved")).toBeTruthy();
    expect(byId("item-price").value).toBe("12.00");

    // The next change is based on what this one made.
    fill("item-price", "13");
    fireEvent.click(byId("submit-item"));
    await page.wait(1100);
    expect(fake().requests("PUT", /./)[1]?.headers.get("If-Match")).toBe('"2"');
    expect(fake().items[0]?.price).toBe(13);
  });

  it("sends nothing when nothing has changed", async () => {
    fake().item("Solaris");
    const page = await edit();
    fireEvent.click(byId("submit-item"));
    await page.wait();
    expect(screen.getByText("Nothing has changed.")).toBeTruthy();
    expect(fake().requests("PUT", /./)).toHaveLength(0);
  });

  function somebodyElse() {
    const [item] = fake().items;
    if (item) {
      fake().items[0] = { ...item, name: "Solaris (1972)", version: item.version + 1 };
    }
  }

  it("shows both versions in a conflict, and puts my changes on top of theirs when told to", async () => {
    fake().item("Solaris", { price: 10 });
    const page = await edit();
    fill("item-price", "12");
    somebodyElse();
    fireEvent.click(byId("submit-item"));
    await page.wait(200);
    expect(screen.getByText("Somebody else changed this item")).toBeTruthy();
    expect(screen.getAllByRole("row").map((row) => row.textContent)).toEqual([
      "FieldTheirs, savedYours, not saved",
      "NameSolaris (1972)as theirs",
      "Price10.0012",
    ]);
    expect(byId("submit-item").disabled).toBe(true);

    fireEvent.click(screen.getByRole("button", { name: "Keep my changes" }));
    await page.wait();
    expect(byId("item-name").value).toBe("Solaris (1972)");
    fireEvent.click(byId("submit-item"));
    await page.wait(1100);
    expect(fake().items[0]).toMatchObject({ name: "Solaris (1972)", price: 12, version: 3 });
  });

  it("takes theirs when told to", async () => {
    fake().item("Solaris", { price: 10 });
    const page = await edit();
    fill("item-price", "12");
    somebodyElse();
    fireEvent.click(byId("submit-item"));
    await page.wait(200);
    fireEvent.click(screen.getByRole("button", { name: "Take theirs" }));
    await page.wait();
    expect(byId("item-name").value).toBe("Solaris (1972)");
    expect(byId("item-price").value).toBe("10.00");
  });

  it("shows a conflict that only the processor saw", async () => {
    fake().item("Solaris", { price: 10 });
    const page = await edit();
    fill("item-price", "12");
    fake().outcome = { status: "failed", reason: "precondition-failed" };
    fireEvent.click(byId("submit-item"));
    await page.wait(100);
    somebodyElse();
    await page.wait(1200);
    expect(screen.getByText("Somebody else changed this item")).toBeTruthy();
  });
});
