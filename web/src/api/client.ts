import createClient from "openapi-fetch";
import { type Backoff, waitAfter } from "../backoff";
import { ApiError, errorOf, unreachable } from "./errors";
import type { components, paths } from "./schema";

export type CatalogItem = components["schemas"]["CatalogItem"];
export type Comment = components["schemas"]["Comment"];
export type RatingSummary = components["schemas"]["RatingSummary"];
export type NewComment = components["schemas"]["NewComment"];
export type NewItem = components["schemas"]["NewItem"];
export type ItemChanges = components["schemas"]["ItemChanges"];
export type Operation = components["schemas"]["Operation"];

/** The contract's paths below the API's own address, which is `/api` only by default. */
type ApiPaths = { [Path in keyof paths as Path extends `/api${infer Rest}` ? Rest : never]: paths[Path] };

type Query = Readonly<Record<string, string>>;

/** One page of a list, and the query of the page after it, exactly as the service wrote it. */
export interface Page<T> {
  readonly entries: readonly T[];
  readonly next: Query | null;
}

/** An item as read, with the tag that makes a later change of it conditional. */
export interface TaggedItem {
  readonly item: CatalogItem;
  readonly etag: string;
}

/** Where an accepted write tells what became of it, and where its resource is. */
export interface Accepted {
  readonly location: string;
  readonly operation: string;
  readonly retryAfterMs: number;
}

/**
 * How to read: `fresh` asks past the browser's cache, and puts what it gets into it. The service lets browsers show
 * lists that are some seconds old, which is too old for whoever has just changed them.
 */
interface How {
  readonly fresh?: boolean;
  readonly signal?: AbortSignal;
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

// A region that dies in the middle of a request is noticed by nobody but us: so each try has an end.
const PATIENCE_MS = 15_000;
// An image may be 2 MiB, and a line in the country slow.
const UPLOAD_PATIENCE_MS = 90_000;
const READ_TRIES = 4;
const READ_BACKOFF: Backoff = { firstMs: 250, factor: 3, mostMs: 4000 };

/** The service, typed after its contract. Every method throws ApiError. */
export function createApi(baseUrl: string, fetchAnswer: typeof fetch = (...args) => fetch(...args)) {
  const client = createClient<ApiPaths>({
    baseUrl,
    fetch: (request) => fetchPatiently(request, fetchAnswer),
  });
  const path = (itemId: string) => ({ path: { itemId } });

  return {
    /** One page of the catalogue, by name. */
    listItems: async (query: Query = { limit: "100" }, how: How = {}): Promise<Page<CatalogItem>> =>
      pageOf(await client.GET("/1.0/catalogitem", { params: { query }, ...asked(how) })),

    /** One item, and the tag to change it by. */
    getItem: async (itemId: string, how: How = {}): Promise<TaggedItem> => {
      const answer = await client.GET("/1.0/catalogitem/{itemId}", { params: path(itemId), ...asked(how) });
      const item = dataOf(answer);
      return { item, etag: answer.response.headers.get("ETag") ?? `"${item.version}"` };
    },

    /** One page of an item's comments, newest first. */
    listComments: async (
      itemId: string,
      query: Query = { limit: "10" },
      how: How = {},
    ): Promise<Page<Comment>> => {
      const params = { ...path(itemId), query };
      return pageOf(await client.GET("/1.0/catalogitem/{itemId}/comments", { params, ...asked(how) }));
    },

    /** An item's average and its number of votes. */
    getSummary: async (itemId: string, how: How = {}): Promise<RatingSummary> =>
      dataOf(await client.GET("/1.0/catalogitem/{itemId}/ratings", { params: path(itemId), ...asked(how) })),

    /** What became of a write, from the address that its acceptance gave. */
    getOperation: async (operation: string): Promise<Operation> =>
      dataOf(
        await client.GET("/1.0/operations/{operationId}", {
          params: { path: { operationId: operation.slice(operation.lastIndexOf("/") + 1) } },
        }),
      ),

    postComment: async (itemId: string, body: NewComment, key: string): Promise<Accepted> =>
      acceptedOf(
        await client.POST("/1.0/catalogitem/{itemId}/comments", {
          params: { ...path(itemId), header: { "Idempotency-Key": key } },
          body,
          parseAs: "text",
        }),
      ),

    postRating: async (itemId: string, rating: number, key: string): Promise<Accepted> =>
      acceptedOf(
        await client.POST("/1.0/catalogitem/{itemId}/ratings", {
          params: { ...path(itemId), header: { "Idempotency-Key": key } },
          body: { rating },
          parseAs: "text",
        }),
      ),

    postItem: async (body: NewItem, key: string, apiKey: string): Promise<Accepted> =>
      acceptedOf(
        await client.POST("/1.0/catalogitem", {
          params: { header: { "Idempotency-Key": key } },
          headers: { "X-API-KEY": apiKey },
          body,
          parseAs: "text",
        }),
      ),

    /** Change some fields of an item, if it still is the one with this tag. */
    putItem: async (
      itemId: string,
      body: ItemChanges,
      etag: string,
      key: string,
      apiKey: string,
    ): Promise<Accepted> =>
      acceptedOf(
        await client.PUT("/1.0/catalogitem/{itemId}", {
          params: { ...path(itemId), header: { "Idempotency-Key": key, "If-Match": etag } },
          headers: { "X-API-KEY": apiKey },
          body,
          parseAs: "text",
        }),
      ),

    /** Remove an item and all that belongs to it, if it still is the one with this tag. */
    deleteItem: async (itemId: string, etag: string, key: string, apiKey: string): Promise<Accepted> =>
      acceptedOf(
        await client.DELETE("/1.0/catalogitem/{itemId}", {
          params: { ...path(itemId), header: { "Idempotency-Key": key, "If-Match": etag } },
          headers: { "X-API-KEY": apiKey },
          parseAs: "text",
        }),
      ),

    deleteComment: async (
      itemId: string,
      commentId: string,
      key: string,
      apiKey: string,
    ): Promise<Accepted> =>
      acceptedOf(
        await client.DELETE("/1.0/catalogitem/{itemId}/comments/{commentId}", {
          params: { path: { itemId, commentId }, header: { "Idempotency-Key": key } },
          headers: { "X-API-KEY": apiKey },
          parseAs: "text",
        }),
      ),

    /** Give an item its image: PNG, JPEG or WebP, as the file's type says. */
    putImage: async (itemId: string, image: Blob, key: string, apiKey: string): Promise<Accepted> =>
      acceptedOf(
        await client.PUT("/1.0/catalogitem/{itemId}/image", {
          params: { ...path(itemId), header: { "Idempotency-Key": key } },
          headers: { "X-API-KEY": apiKey, "Content-Type": image.type },
          // The contract says "string, binary": the generated type has no better word for a file.
          body: image as unknown as string,
          bodySerializer: () => image,
          parseAs: "text",
        }),
      ),
  };
}

export type Api = ReturnType<typeof createApi>;

function asked({ fresh, signal }: How): { cache?: "no-cache"; signal?: AbortSignal } {
  return { ...(fresh ? { cache: "no-cache" as const } : {}), ...(signal ? { signal } : {}) };
}

/** The parts of the address in `<address>; rel="next"`; null at the list's end. */
export function nextQuery(link: string | null): Query | null {
  const target = link?.match(/<([^>]*)>\s*;[^,]*\brel="?next"?/)?.[1];
  return target ? Object.fromEntries(new URLSearchParams(target.slice(target.indexOf("?") + 1))) : null;
}

function pageOf<T>(answer: Answer<T[]>): Page<T> {
  return { entries: dataOf(answer), next: nextQuery(answer.response.headers.get("Link")) };
}

function dataOf<T>({ data, error, response }: Answer<T>): T {
  if (response.ok && data !== undefined) {
    return data;
  }
  throw errorOf(response, error);
}

function acceptedOf({ error, response }: Answer<unknown>): Accepted {
  const location = response.headers.get("Location");
  const operation = response.headers.get("Operation-Location");
  if (response.status !== 202 || !location || !operation) {
    throw errorOf(response, error);
  }
  const retryAfterMs = Number(response.headers.get("Retry-After") ?? 1) * 1000;
  return { location, operation, retryAfterMs };
}

/** Reads are asked again a few times; a write is not: it has the queue, which keeps its key and survives a reload. */
async function fetchPatiently(request: Request, fetchAnswer: typeof fetch): Promise<Response> {
  const tries = request.method === "GET" ? READ_TRIES : 1;
  for (let failures = 1; ; failures += 1) {
    let problem: ApiError;
    try {
      const response = await fetchWhole(request, fetchAnswer);
      problem = errorOf(response, undefined);
      if (response.ok || failures >= tries || !problem.passing) {
        return response;
      }
    } catch (error) {
      const reason = unreachable(error);
      if (failures >= tries || !(reason instanceof ApiError)) {
        throw reason;
      }
      problem = reason;
    }
    const wait = waitAfter(failures, READ_BACKOFF, Math.random, problem.details.retryAfterMs);
    await pause(wait, request.signal);
  }
}

/** An answer with its body: a connection that is cut in the middle of one is a failure like any other. */
async function fetchWhole(request: Request, fetchAnswer: typeof fetch): Promise<Response> {
  const isUpload = request.headers.get("Content-Type")?.startsWith("image/") === true;
  const response = await fetchAnswer(request.clone(), {
    signal: AbortSignal.any([
      request.signal,
      AbortSignal.timeout(isUpload ? UPLOAD_PATIENCE_MS : PATIENCE_MS),
    ]),
  });
  const body = await response.text();
  if (request.method === "GET" && response.ok && !isJson(body)) {
    throw new ApiError(502, "The service answered something that is no data.");
  }
  const { status, statusText, headers } = response;
  return new Response(body === "" ? null : body, { status, statusText, headers });
}

function isJson(body: string): boolean {
  try {
    JSON.parse(body);
    return true;
  } catch {
    return false;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
