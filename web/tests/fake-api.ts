import type { CatalogItem, Comment, Operation } from "../src/api/client";

/** The address that tests give the client. */
export const BASE = "http://catalog.test/api";

interface Stored {
  readonly body: string;
  readonly location: string;
  readonly operation: string;
}

/** One request as it came. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
}

/**
 * The contract in memory, as a `fetch`: acceptance, idempotency, operations, pages by Link. What a test wants to go
 * wrong is put into `script`: each entry answers the next request instead of the fake.
 */
export class FakeApi {
  readonly items: CatalogItem[] = [];
  readonly comments: Comment[] = [];
  readonly ratings: { itemId: string; rating: number }[] = [];
  readonly seen: Seen[] = [];
  /** Answers for the next requests that `where` matches; `reach` lets the request take effect first. */
  readonly script: { where: RegExp; answer: () => Response | Promise<Response>; reach?: boolean }[] = [];
  /** How operations end; `pending` holds them. */
  outcome: Pick<Operation, "status" | "reason"> = { status: "succeeded" };
  apiKey = "the-right-key";
  pageSize = 100;
  /** Answers of other paths than the API's. */
  readonly others = new Map<string, () => Response>();
  readonly #keys = new Map<string, Stored>();
  readonly #operations = new Map<string, { resource: string; apply: () => void }>();
  #count = 0;

  readonly fetch: typeof fetch = async (input, init) => {
    const request = new Request(input as Request, init);
    const url = new URL(request.url);
    const other = this.others.get(url.pathname);
    if (other) {
      return other();
    }
    const isImage = request.headers.get("Content-Type")?.startsWith("image/") === true;
    const text = request.method === "GET" ? "" : isImage ? await latin1(request) : await request.text();
    const path = url.pathname.replace("/api/1.0", "") + url.search;
    this.seen.push({
      method: request.method,
      path,
      headers: request.headers,
      body: text === "" ? undefined : isImage ? text : JSON.parse(text),
    });
    const index = this.script.findIndex(({ where }) => where.test(`${request.method} ${path}`));
    const [scripted] = index < 0 ? [] : this.script.splice(index, 1);
    if (scripted && !scripted.reach) {
      return scripted.answer();
    }
    const answer = this.#answer(request, url, text);
    return scripted ? scripted.answer() : answer;
  };

  /** Adds an item and answers it. */
  item(name: string, more: Partial<CatalogItem> = {}): CatalogItem {
    const item: CatalogItem = {
      id: this.#id(),
      name,
      description: `About ${name}.`,
      price: 9.99,
      lastUpdated: "2026-11-25T10:00:00.000000Z",
      version: 1,
      ...more,
    };
    this.items.push(item);
    return item;
  }

  /** The requests of one method whose path matches. */
  requests(method: string, path: RegExp): Seen[] {
    return this.seen.filter((one) => one.method === method && path.test(one.path));
  }

  #id(): string {
    this.#count += 1;
    return `00000000-0000-4000-8000-${String(this.#count).padStart(12, "0")}`;
  }

  #answer(request: Request, url: URL, text: string): Response {
    const [collection, id = "", part, partId] = url.pathname.replace("/api/1.0/", "").split("/");
    if (collection === "operations") {
      return this.#operation(id);
    }
    const item = this.items.find((one) => one.id === id);
    if (request.method !== "GET") {
      return this.#write(request, text, item, part, partId);
    }
    if (id === "") {
      return page(url, [...this.items].sort(byName).map(withoutDescription), this.pageSize);
    }
    if (!item) {
      return problem(404, "There is nothing here.");
    }
    switch (part) {
      case undefined:
        return json(item, { ETag: `"${item.version}"` });
      case "comments":
        return page(url, this.comments.filter((one) => one.catalogItemId === id).reverse(), 10);
      case "ratings": {
        const votes = this.ratings.filter((one) => one.itemId === id).map((one) => one.rating);
        const sum = votes.reduce((total, vote) => total + vote, 0);
        return json({ averageRating: votes.length ? sum / votes.length : 0, numberOfVotes: votes.length });
      }
      default:
        return problem(404, "There is nothing here.");
    }
  }

  #write(
    request: Request,
    text: string,
    item: CatalogItem | undefined,
    part: string | undefined,
    partId: string | undefined,
  ): Response {
    const key = request.headers.get("Idempotency-Key") ?? "";
    const known = this.#keys.get(key);
    if (known) {
      return known.body === text ? accepted(known) : problem(409, "The key was used for another body.");
    }
    const deletes = request.method === "DELETE";
    const body = deletes || part === "image" ? text : JSON.parse(text);
    const creates = request.method === "POST" && part === undefined;
    if (
      (creates || deletes || request.method === "PUT") &&
      request.headers.get("X-API-KEY") !== this.apiKey
    ) {
      return problem(401, "The key is missing or wrong.");
    }
    if (!creates && !item) {
      return problem(404, "There is nothing here.");
    }
    const match = request.headers.get("If-Match");
    if (match && match !== `"${item?.version}"`) {
      return problem(412, "The item is another by now.");
    }
    const id = creates || (part && !deletes && part !== "image") ? this.#id() : (item?.id ?? "");
    const inside = part === "image" ? "" : part ? `/${part}/${partId ?? id}` : "";
    const place = `/catalogitem/${item?.id ?? id}${inside}`;
    const stored: Stored = {
      body: text,
      location: `/api/1.0${place}`,
      operation: `/api/1.0/operations/op-${this.#id()}`,
    };
    this.#keys.set(key, stored);
    const apply = () =>
      deletes
        ? this.#delete(partId ?? id)
        : this.#apply(body, id, this.items.find((one) => one.id === id) ?? item, part);
    this.#operations.set(stored.operation.split("/").pop() ?? "", { resource: stored.location, apply });
    return accepted(stored);
  }

  #delete(id: string): void {
    for (const list of [this.items, this.comments]) {
      const index = list.findIndex((one) => one.id === id);
      if (index >= 0) {
        list.splice(index, 1);
      }
    }
  }

  #apply(body: unknown, id: string, item: CatalogItem | undefined, part: string | undefined): void {
    if (part === "comments" && item) {
      const creationDate = "2026-11-25T12:00:00.000000Z";
      this.comments.push({ ...(body as Comment), id, catalogItemId: item.id, creationDate });
    } else if (part === "ratings" && item) {
      this.ratings.push({ itemId: item.id, rating: (body as { rating: number }).rating });
    } else if (item) {
      const changes = part === "image" ? { imageUrl: `/images/${item.id}` } : (body as Partial<CatalogItem>);
      const index = this.items.findIndex((one) => one.id === item.id);
      this.items[index] = { ...item, ...changes, version: item.version + 1 };
    } else {
      this.item("", { ...(body as Partial<CatalogItem>), id });
    }
  }

  #operation(id: string): Response {
    const operation = this.#operations.get(id);
    if (!operation) {
      return problem(404, "There is nothing here.");
    }
    if (this.outcome.status === "succeeded") {
      operation.apply();
      operation.apply = () => {};
    }
    return json({ id, resource: operation.resource, ...this.outcome });
  }
}

/** An answer of the service's own kind of error. */
export function problem(status: number, detail: string, headers: Record<string, string> = {}): Response {
  const body = {
    type: `/api/docs#${status}`,
    title: `Problem ${status}`,
    status,
    detail,
    instance: "/",
    correlationId: "c0ffee",
  };
  return json(body, { "Content-Type": "application/problem+json", ...headers }, status);
}

/** What a `fetch` does when there is no network. */
export function cut(): never {
  throw new TypeError("Failed to fetch");
}

/** The body's bytes, one letter each. */
async function latin1(request: Request): Promise<string> {
  return String.fromCharCode(...new Uint8Array(await request.arrayBuffer()));
}

function accepted({ location, operation }: Stored): Response {
  const headers = {
    Location: location,
    "Operation-Location": operation,
    "Retry-After": "1",
    "Content-Length": "0",
  };
  return new Response(null, { status: 202, headers });
}

function json(body: unknown, headers: Record<string, string> = {}, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });
}

function page(url: URL, all: readonly unknown[], size: number): Response {
  const from = Number(url.searchParams.get("continuation") ?? 0);
  const next = from + size;
  const link = `<${url.pathname}?limit=${size}&continuation=${next}>; rel="next"`;
  return json(all.slice(from, next), next < all.length ? { Link: link } : {});
}

function byName(one: CatalogItem, other: CatalogItem): number {
  return one.name < other.name ? -1 : 1;
}

function withoutDescription({ description: _, ...rest }: CatalogItem): CatalogItem {
  return rest;
}
