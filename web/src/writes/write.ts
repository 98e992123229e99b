import type { Accepted, ItemChanges, NewComment, NewItem } from "../api/client";
import type { ApiError } from "../api/errors";

/** What a person asked for. */
export type Draft =
  | { readonly kind: "comment"; readonly itemId: string; readonly body: NewComment }
  | { readonly kind: "rating"; readonly itemId: string; readonly body: { readonly rating: number } }
  | { readonly kind: "createItem"; readonly body: NewItem }
  | {
      readonly kind: "updateItem";
      readonly itemId: string;
      readonly body: ItemChanges;
      readonly etag: string;
    }
  | { readonly kind: "deleteItem"; readonly itemId: string; readonly etag: string }
  | { readonly kind: "deleteComment"; readonly itemId: string; readonly commentId: string }
  | { readonly kind: "uploadImage"; readonly itemId: string; readonly image: Blob };

/** Why a write has no effect and never will. */
export interface Failure {
  readonly message: string;
  /** Somebody else changed the same thing first; what was typed can still be put on top of theirs. */
  readonly conflict: boolean;
  /** The key that was given for administration is no good. */
  readonly keyRefused: boolean;
  readonly fields?: Readonly<Record<string, string>>;
  readonly reference?: string;
}

/**
 * How far a write has come:
 * - waiting: it will be sent, or sent again, at `retryAt`
 * - sending: on its way, or its answer is
 * - accepted: the service has stored it durably and will carry it out
 * - saved: everybody can see it
 * - failed: it has no effect; `failure` says why
 */
export type WriteState = "waiting" | "sending" | "accepted" | "saved" | "failed";

/** A draft on its way. The key makes any number of tries one effect. */
export type Write = Draft & {
  readonly key: string;
  /** Milliseconds since 1970, by this browser's clock. */
  readonly createdAt: number;
  readonly state: WriteState;
  /** Tries that failed since the last step forward. */
  readonly failures: number;
  /** When the next try is due, in milliseconds since 1970. */
  readonly retryAt?: number;
  /** Why the last try failed, while another will follow. */
  readonly problem?: string;
  readonly accepted?: Accepted;
  readonly failure?: Failure;
  /** Whether it would survive a reload. */
  readonly kept: boolean;
};

/** All writes of one kind. */
export type WriteOf<Kind extends Write["kind"]> = Extract<Write, { readonly kind: Kind }>;

/** Whether a write takes something away. */
export function isDeletion(write: Write): boolean {
  return write.kind === "deleteItem" || write.kind === "deleteComment";
}

/** Whether a write has neither taken effect nor failed yet. */
export function isOpen(write: Write): boolean {
  return write.state !== "saved" && write.state !== "failed";
}

/** The id of the thing that an accepted write makes; undefined before it is accepted. */
export function resourceId(write: Write): string | undefined {
  return write.accepted?.location.split("/").pop();
}

const REASONS: Readonly<Record<string, string>> = {
  "unknown-item": "The item does not exist any more.",
  "precondition-failed": "Somebody changed this item in the meantime.",
  superseded: "A newer change came through another region.",
  "key-reused": "This was already sent with different content.",
  invalid: "The service found it invalid.",
  discarded: "An operator of the service removed it.",
};

/** What an operation's reason means to the person who wrote. */
export function failureOfReason(reason: string | undefined): Failure {
  return {
    message: REASONS[reason ?? ""] ?? "The service could not carry it out.",
    conflict: reason === "precondition-failed" || reason === "superseded",
    keyRefused: false,
  };
}

/** What a refusal means to the person who wrote: of the write itself, or of the question what became of it. */
export function failureOfError(error: ApiError, asked: "waiting" | "accepted"): Failure {
  const { fields, reference } = error.details;
  const forgotten = asked === "accepted" && error.status === 404;
  return {
    message: forgotten ? "The service does not know any more what became of it." : error.message,
    conflict: error.status === 412,
    keyRefused: error.status === 401,
    ...(fields ? { fields } : {}),
    ...(reference ? { reference } : {}),
  };
}
