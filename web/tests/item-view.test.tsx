import { fireEvent, screen, within } from "@testing-library/preact";
import { describe, expect, it } from "vitest";
import { cut, problem } from "./fake-api";
import { pages } from "./page";

const POST = /POST/;

describe("an item's view", () => {
  const { fake, open } = pages();
  const itemHash = () => `#/catalog/${fake().items[0]?.id}`;
  const comments = () => within(screen.getByRole("list", { name: /Comments/ })).queryAllByRole("listitem");
  const byId = (id: string) => document.getElementById(id) as HTMLInputElement;

  /** What a browser does for the click of a mouse: it counts one press. */
  const press = (id: string) => fireEvent.click(byId(id), { detail: 1 });

  async function write(user: { type: (element: Element, text: string) => Promise<void> }, text = "Good.") {
    await user.type(byId("comment-authorName"), "Ada");
    await user.type(byId("comment-text"), text);
    fireEvent.click(byId("submit-comment"));
  }

  it("tells everything about the item", async () => {
    const item = fake().item("Metropolis", { description: "A city of the future.", price: 12 });
    fake().ratings.push({ itemId: item.id, rating: 4 }, { itemId: item.id, rating: 5 });
    fake().comments.push({
      id: "c1",
      catalogItemId: item.id,
      authorName: "Fritz",
      text: "Mine.",
      creationDate: "2026-11-25T12:00:00.000000Z",
    });
    await open(itemHash());
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Metropolis");
    expect(document.title).toBe("Metropolis · AlwaysOn Catalog");
    expect(screen.getByText("A city of the future.")).toBeTruthy();
    expect(screen.getByRole("img", { name: "4.5 of 5 stars on average, 2 votes" })).toBeTruthy();
    expect(comments()[0]?.textContent).toContain("5 minutes ago");
  });

  it("says that an unknown item does not exist", async () => {
    await open("#/catalog/00000000-0000-4000-8000-00000000dead");
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("This item does not exist");
  });

  it("asks its question to a screen reader, and each star says how many it is", async () => {
    fake().item("Metropolis");
    await open(itemHash());
    const group = screen.getByRole("group", { name: "How many stars do you give?" });
    const names = within(group)
      .getAllByRole("radio")
      .map((radio) => radio.closest("label")?.textContent);
    expect(names).toEqual([1, 2, 3, 4, 5].map((stars) => `${stars} of 5 stars`));
  });

  it("counts a vote at once, and says when it is saved", async () => {
    fake().item("Metropolis");
    const { wait } = await open(itemHash());
    press("rating-4");
    await wait();
    const average = document.querySelector(".average");
    expect(average?.getAttribute("data-average")).toBe("4.00");
    expect(average?.textContent).toContain("1 vote, yours included");
    expect(screen.getByText(/You gave 4 of 5 stars/).textContent).toContain("being saved");
    await wait(1100);
    expect(screen.getByText(/You gave 4 of 5 stars/).textContent).toContain("Saved");
    expect(document.querySelector(".average")?.textContent).toContain("1 vote");
    expect(fake().ratings).toHaveLength(1);
  });

  it("counts a double click once", async () => {
    fake().item("Metropolis");
    const { wait } = await open(itemHash());
    press("rating-5");
    fireEvent.click(byId("rating-5"), { detail: 2 });
    press("rating-5");
    await wait(1100);
    expect(fake().ratings).toHaveLength(1);
  });

  it("does not vote while arrow keys move over the stars; Enter does", async () => {
    fake().item("Metropolis");
    const { wait } = await open(itemHash());
    for (const stars of [1, 2, 3]) {
      fireEvent.keyDown(byId(`rating-${stars}`), { key: "ArrowRight" });
      fireEvent.click(byId(`rating-${stars}`), { detail: 0 });
    }
    await wait();
    expect(fake().requests("POST", /ratings/)).toHaveLength(0);
    expect(screen.getByText("3 of 5 stars chosen. Press Enter to send.")).toBeTruthy();
    fireEvent.submit(byId("rating-3").form as HTMLFormElement);
    await wait(1100);
    expect(fake().ratings).toEqual([{ itemId: fake().items[0]?.id, rating: 3 }]);
  });

  it("takes a vote back that failed, and tells why", async () => {
    fake().item("Metropolis");
    fake().outcome = { status: "failed", reason: "unknown-item" };
    const { wait } = await open(itemHash());
    press("rating-2");
    await wait(1100);
    expect(screen.getByText(/You gave 2 of 5 stars/).textContent).toContain(
      "The item does not exist any more.",
    );
    expect(document.querySelector(".average")?.textContent).toContain("No votes yet");
  });

  it("shows a comment at once, and then as saved", async () => {
    fake().item("Metropolis");
    const { user, wait } = await open(itemHash());
    expect(screen.getByText("No comments yet.")).toBeTruthy();
    await write(user);
    await wait();
    expect(comments()[0]?.textContent).toContain("Good.");
    expect(comments()[0]?.querySelector("[data-state]")?.getAttribute("data-state")).toBe("accepted");
    expect(byId("comment-text").value).toBe("");
    await wait(1100);
    expect(comments()[0]?.querySelector("[data-state]")?.textContent).toBe("Saved");
    expect(screen.getByText("Your comment is saved.")).toBeTruthy();
    expect(comments()).toHaveLength(1);
  });

  it("shows a comment once that the list has before its operation says so", async () => {
    const item = fake().item("Metropolis");
    fake().outcome = { status: "pending" };
    const { user, wait, services, go } = await open(itemHash());
    await write(user);
    await wait();
    const id = services.queue.writes.value[0]?.accepted?.location.split("/").pop() ?? "";
    const body = { authorName: "Ada", text: "Good.", creationDate: "2026-11-25T12:00:00.000000Z" };
    fake().comments.push({ id, catalogItemId: item.id, ...body });
    await go("#/catalog");
    await go(itemHash());
    expect(comments()).toHaveLength(1);
  });

  it("leaves a saved comment to the list when one comes back", async () => {
    fake().item("Metropolis");
    const { user, wait, go } = await open(itemHash());
    await write(user);
    await wait(1200);
    const here = itemHash();
    await go("#/catalog");
    await go(here);
    expect(comments()).toHaveLength(1);
    expect(comments()[0]?.querySelector("time")).toBeTruthy();
  });

  it("does not send what the service would refuse, and says what to mend", async () => {
    fake().item("Metropolis");
    const { user, wait } = await open(itemHash());
    fireEvent.click(byId("submit-comment"));
    await wait();
    expect(document.activeElement).toBe(byId("comment-authorName"));
    expect(screen.getByText("Enter a name.")).toBeTruthy();
    await user.type(byId("comment-authorName"), "Ada");
    expect(screen.queryByText("Enter a name.")).toBeNull();
    fireEvent.input(byId("comment-text"), { target: { value: "😀".repeat(2001) } });
    fireEvent.click(byId("submit-comment"));
    await wait();
    expect(screen.getByText("That is 1 character too long.")).toBeTruthy();
    expect(byId("comment-text").getAttribute("aria-invalid")).toBe("true");
    expect(fake().requests("POST", /comments/)).toHaveLength(0);
  });

  it("keeps a comment through an outage and a reload, with one effect", async () => {
    fake().item("Metropolis");
    const first = await open(itemHash());
    fake().script.push(...Array.from({ length: 3 }, () => ({ where: POST, answer: cut })));
    await write(first.user);
    await first.wait();
    expect(comments()[0]?.textContent).toContain("Waiting to be sent again");
    expect(comments()[0]?.textContent).toContain("It is kept in this browser");
    expect(screen.getByText(/1 entry is kept here/)).toBeTruthy();

    document.body.innerHTML = "";
    const second = await open(itemHash());
    expect(comments()[0]?.textContent).toContain("Good.");
    await second.wait(30_000);
    expect(comments()[0]?.textContent).toContain("Saved");
    expect(fake().comments).toHaveLength(1);
  });

  it("lets a refused comment be edited", async () => {
    fake().item("Metropolis");
    fake().script.push({ where: POST, answer: () => problem(400, "This word is not allowed.") });
    const { user, wait } = await open(itemHash());
    await write(user, "A bad word");
    await wait();
    expect(screen.getByRole("alert").textContent).toContain("This word is not allowed.");
    fireEvent.click(screen.getByRole("button", { name: "Edit" }));
    await wait();
    expect(comments()).toHaveLength(0);
    expect(byId("comment-text").value).toBe("A bad word");
  });

  it("keeps half a comment through a reload", async () => {
    fake().item("Metropolis");
    const { user } = await open(itemHash());
    await user.type(byId("comment-text"), "Half a sen");
    document.body.innerHTML = "";
    await open(itemHash());
    expect(byId("comment-text").value).toBe("Half a sen");
  });

  it("shows older comments on demand", async () => {
    const item = fake().item("Metropolis");
    for (let index = 0; index < 25; index += 1) {
      fake().comments.push({
        id: `c${index}`,
        catalogItemId: item.id,
        authorName: "Fritz",
        text: `Comment ${index}`,
        creationDate: "2026-11-25T12:00:00.000000Z",
      });
    }
    const { user, wait } = await open(itemHash());
    expect(comments()).toHaveLength(10);
    expect(comments()[0]?.textContent).toContain("Comment 24");
    await user.click(screen.getByRole("button", { name: "More comments" }));
    await wait();
    await user.click(screen.getByRole("button", { name: "More comments" }));
    await wait();
    expect(comments()).toHaveLength(25);
    expect(screen.queryByRole("button", { name: "More comments" })).toBeNull();
  });

  it("shows the rest when one part cannot be loaded", async () => {
    fake().item("Metropolis");
    fake().script.push(
      ...Array.from({ length: 4 }, () => ({ where: /GET .*comments/, answer: () => problem(503, "") })),
    );
    const { wait } = await open(itemHash());
    await wait(20_000);
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Metropolis");
    expect(screen.getByRole("alert").textContent).toContain("The comments could not be loaded.");
  });
});
