import { fireEvent, screen } from "@testing-library/preact";
import { describe, expect, it, vi } from "vitest";
import { problem } from "./fake-api";
import { PNG } from "./files";
import { type Page, pages } from "./page";

describe("administration", () => {
  const { fake, open } = pages();

  /** An item with one comment; the item's id. */
  function itemWithTroll(): string {
    const { id } = fake().item("Solaris");
    fake().comments.push({
      id: "c1",
      catalogItemId: id,
      authorName: "Troll",
      text: "Bah.",
      creationDate: "2026-11-25T12:00:00.000000Z",
    });
    return id;
  }
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

  it("does not call its own change somebody else's while the other region has not heard of it", async () => {
    const { id } = fake().item("Solaris", { price: 10 });
    const page = await edit();
    fill("item-price", "12");
    const old = { ...fake().items[0] };
    fake().script.push(
      ...[1, 2].map(() => ({
        where: new RegExp(`GET /catalogitem/${id}$`),
        answer: () => new Response(JSON.stringify(old), { headers: { ETag: '"1"' } }),
      })),
    );
    fireEvent.click(byId("submit-item"));
    await page.wait(1100);
    expect(screen.getByText("Saved")).toBeTruthy();
    await page.wait(2000);
    fill("item-price", "13");
    fireEvent.click(byId("submit-item"));
    await page.wait(1100);
    expect(
      fake()
        .requests("PUT", /./)
        .map((one) => one.headers.get("If-Match")),
    ).toEqual(['"1"', '"2"']);
    expect(screen.queryByText("Somebody else changed this item")).toBeNull();
  });

  function choose(bytes: Uint8Array<ArrayBuffer>, name = "cover.png") {
    vi.stubGlobal("createImageBitmap", async () => ({ width: 30, height: 40 }));
    fireEvent.change(byId("item-image"), { target: { files: [new File([bytes], name)] } });
  }

  it("uploads an image, shows it before and after, and goes on editing on top of it", async () => {
    fake().item("Solaris", { price: 10 });
    const page = await edit();
    fill("item-price", "12");
    choose(PNG);
    await page.wait();
    expect(screen.getByRole("img", { name: /Preview of the chosen image, 30 by 40/ })).toBeTruthy();
    fireEvent.click(byId("submit-image"));
    await page.wait();
    expect(screen.getByText("Accepted, being saved…")).toBeTruthy();
    expect(byId("submit-item").disabled).toBe(true);
    await page.wait(1500);
    expect(screen.getByText("Saved")).toBeTruthy();
    expect(screen.getByRole("img", { name: "Picture of Solaris" }).getAttribute("src")).toBe(
      `/images/${fake().items[0]?.id}?v=2`,
    );
    // What was typed is still there, and based on the item with its image.
    expect(byId("item-price").value).toBe("12");
    fireEvent.click(byId("submit-item"));
    await page.wait(1500);
    expect(fake().requests("PUT", /./).at(-1)?.headers.get("If-Match")).toBe('"2"');
    expect(fake().items[0]).toMatchObject({ price: 12, version: 3 });
  });

  it("refuses a file that the service would refuse, and sends nothing", async () => {
    fake().item("Solaris");
    const page = await edit();
    fireEvent.click(byId("submit-image"));
    await page.wait();
    expect(screen.getByText("Choose an image first.")).toBeTruthy();
    choose(new TextEncoder().encode("GIF89a"), "looks-like.png");
    await page.wait();
    expect(screen.getByText("This is no PNG, JPEG or WebP image.")).toBeTruthy();
    fireEvent.click(byId("submit-image"));
    await page.wait();
    expect(fake().requests("PUT", /./)).toHaveLength(0);
  });

  it("says why an image was not saved, and sends it again on request", async () => {
    fake().item("Solaris");
    const page = await edit();
    choose(PNG);
    await page.wait();
    fake().script.push({ where: /PUT/, answer: () => problem(400, "The image is damaged or too large.") });
    fireEvent.click(byId("submit-image"));
    await page.wait();
    expect(screen.getByRole("alert").textContent).toContain("The image is damaged or too large.");
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await page.wait(1500);
    expect(fake().items[0]?.imageUrl).toBeTruthy();
  });

  async function confirmDeletion(page: Page, button = byId("delete-item")) {
    fireEvent.click(button);
    await page.wait();
    fireEvent.click(byId("confirm"));
    await page.wait();
  }

  it("deletes an item after asking, and it is gone everywhere", async () => {
    const { id } = fake().item("Solaris");
    fake().item("Stalker");
    const page = await edit();
    fireEvent.click(byId("delete-item"));
    await page.wait();
    expect(screen.getByRole("heading", { name: "Delete “Solaris”?" })).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
    await page.wait();
    expect(fake().requests("DELETE", /./)).toHaveLength(0);

    await confirmDeletion(page);
    expect(screen.getByText("Accepted, being deleted…")).toBeTruthy();
    expect(byId("submit-item").disabled).toBe(true);
    await page.wait(1200);
    expect(screen.getByText("The item is deleted.")).toBeTruthy();
    expect(fake().requests("DELETE", /./)[0]?.headers.get("If-Match")).toBe('"1"');
    // A region that has not heard of it yet changes nothing here.
    fake().item("Solaris", { id });
    await page.go("#/");
    expect(screen.queryByText("Solaris")).toBeNull();
    expect(screen.getByText("Stalker")).toBeTruthy();
    await page.go(`#/catalog/${id}`);
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("This item does not exist");
  });

  it("does not delete what somebody changed since", async () => {
    fake().item("Solaris");
    const page = await edit();
    somebodyElse();
    await confirmDeletion(page);
    await page.wait(1200);
    expect(screen.getByText(/decide again/)).toBeTruthy();
    expect(fake().items).toHaveLength(1);
    await confirmDeletion(page);
    await page.wait(1200);
    expect(screen.getByText("The item is deleted.")).toBeTruthy();
    expect(fake().items).toHaveLength(0);
  });

  it("deletes a comment after asking; nobody without the key can", async () => {
    const id = itemWithTroll();
    const page = await open(`#/catalog/${id}`);
    expect(screen.getByText("Bah.")).toBeTruthy();
    expect(screen.queryByRole("button", { name: /Delete the comment/ })).toBeNull();

    page.services.adminKey.set(fake().apiKey);
    await page.wait();
    await confirmDeletion(page, screen.getByRole("button", { name: "Delete the comment of Troll" }) as never);
    expect(screen.getByText("Accepted, being deleted…")).toBeTruthy();
    expect(screen.getByText("Bah.")).toBeTruthy();
    await page.wait(1200);
    expect(screen.queryByText("Bah.")).toBeNull();
    expect(screen.getByText("1 comment is deleted.")).toBeTruthy();
    expect(fake().comments).toHaveLength(0);
  });

  it("leaves a comment that could not be deleted where it is", async () => {
    const id = itemWithTroll();
    const page = await open(`#/catalog/${id}`);
    page.services.adminKey.set("wrong");
    await page.wait();
    await confirmDeletion(page, screen.getByRole("button", { name: "Delete the comment of Troll" }) as never);
    expect(screen.getByRole("alert").textContent).toContain("The API key was not accepted.");
    expect(screen.getByText("Bah.")).toBeTruthy();
  });
});
