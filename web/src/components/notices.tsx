import type { ComponentChildren } from "preact";
import type { ApiError } from "../api/errors";
import { Icon } from "./Icon";

/** An error that a person can do something about: what happened, how to go on, and what to tell the operators. */
export function ErrorNotice(props: { error: ApiError; what: string; retry?: () => void; busy?: boolean }) {
  const { error, what, retry, busy = false } = props;
  return (
    <div class="notice notice-error" role="alert">
      <Icon name="alert" />
      <div>
        <p class="notice-title">{what}</p>
        <p>{error.message}</p>
        {error.status >= 500 && error.details.reference && (
          <p class="reference">
            Reference: <code>{error.details.reference}</code>
          </p>
        )}
      </div>
      {retry && (
        <button type="button" class="button" onClick={retry} disabled={busy}>
          {busy ? "Trying…" : "Try again"}
        </button>
      )}
    </div>
  );
}

/** Nothing to show, and why. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <svg class="empty-picture" viewBox="0 0 120 80" aria-hidden="true" focusable="false">
        <circle cx="46" cy="40" r="26" />
        <circle cx="74" cy="40" r="26" />
      </svg>
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** What a field must be told; connects by `id` to the field's aria-describedby. */
export function FieldError({ id, message }: { id: string; message: string | undefined }) {
  return message ? (
    <p class="field-error" id={id}>
      <Icon name="alert" />
      {message}
    </p>
  ) : null;
}
