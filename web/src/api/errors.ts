import type { components } from "./schema";

type Problem = components["schemas"]["Problem"];

/** Why a request did not succeed, in words for a person. `status` is 0 when no answer came at all. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly status: number,
    message: string,
    readonly details: {
      /** What is wrong with each field of what was sent. */
      readonly fields?: Readonly<Record<string, string>>;
      /** Finds the request in the service's logs. */
      readonly reference?: string;
      /** How long the service asks to be left alone. */
      readonly retryAfterMs?: number;
    } = {},
  ) {
    super(message);
  }

  /** Whether the same request may succeed later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

const WORDS: Readonly<Record<number, string>> = {
  0: "The service cannot be reached.",
  400: "The service did not understand this.",
  401: "The API key was not accepted.",
  403: "Requests from here are not let through.",
  404: "This does not exist, or not any more.",
  409: "This was already sent with different content.",
  412: "Somebody changed this in the meantime.",
  413: "This is too large.",
  415: "The service does not take this kind of content.",
  429: "The service is busy.",
  500: "Something went wrong on the service's side.",
  502: "The service is not available at the moment.",
  503: "The service is not available at the moment.",
  504: "The service took too long to answer.",
};

/** The error of an answer that is not a success; `body` is whatever could be read of it. */
export function errorOf(response: Response, body: unknown): ApiError {
  const problem = isProblem(body) ? body : undefined;
  const own = WORDS[response.status];
  // A refusal's detail says what to mend; of an outage people need no detail, and an unknown path's helps nobody.
  const detailed = problem && [400, 409, 413, 415].includes(response.status) ? problem.detail : undefined;
  const retryAfterMs = retryAfterOf(response.headers.get("Retry-After"));
  const reference = problem?.correlationId ?? response.headers.get("X-Correlation-ID") ?? undefined;
  return new ApiError(
    response.status,
    detailed ?? own ?? problem?.title ?? `The service answered ${response.status}.`,
    {
      ...(problem?.errors ? { fields: problem.errors } : {}),
      ...(reference ? { reference } : {}),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  );
}

/** Turns anything thrown on the way to an answer into an ApiError; a request that we gave up ourselves stays as it is. */
export function unreachable(error: unknown): unknown {
  if (error instanceof ApiError || (error instanceof DOMException && error.name === "AbortError")) {
    return error;
  }
  return new ApiError(0, WORDS[0] ?? "");
}

/** Whether a request ended because nobody waits for it any more. */
export function isAbandoned(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Milliseconds of a Retry-After header in seconds; undefined for none and for dates, which ask too much of two clocks. */
export function retryAfterOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,5}$/.test(header) ? Number(header) * 1000 : undefined;
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "title" in body && "status" in body;
}
