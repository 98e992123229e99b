import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useStore } from "../hooks/useStore";
import { useServices } from "../services";
import type { Failure } from "../writes/write";
import { Icon } from "./Icon";
import { FieldError } from "./notices";

/** Shows what is inside to whoever has entered a key; the service checks it with the first change. */
export function AdminGate({ title, children }: { title: string; children: ComponentChildren }) {
  const { adminKey } = useServices();
  const key = useStore(adminKey);
  const heading = useRef<HTMLHeadingElement>(null);
  const asked = useRef(key === null);
  useEffect(() => {
    // The form that had the focus is gone.
    if (key !== null && asked.current) {
      heading.current?.focus();
    }
    asked.current = key === null;
  }, [key]);
  if (key === null) {
    return <KeyForm />;
  }
  return (
    <>
      <div class="admin-head">
        <h1 tabIndex={-1} ref={heading}>
          {title}
        </h1>
        <button type="button" class="button" onClick={() => adminKey.set(null)}>
          Forget the key
        </button>
      </div>
      {children}
    </>
  );
}

function KeyForm() {
  const { adminKey } = useServices();
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<string>();

  function submit(event: Event) {
    event.preventDefault();
    const entered = key.trim();
    if (/^[\x21-\x7e]+$/.test(entered)) {
      adminKey.set(entered);
    } else {
      setProblem(entered === "" ? "Enter the key." : "A key has letters, digits and signs only, no spaces.");
    }
  }

  return (
    <div class="panel narrow">
      <h1 tabIndex={-1}>Administration</h1>
      <p>
        To create and edit items, enter the API key. It stays in this page's memory: it is not stored, and
        gone when you reload.
      </p>
      <form onSubmit={submit} noValidate>
        <div class="field">
          <label for="admin-key">API key</label>
          <input
            id="admin-key"
            type="password"
            autocomplete="off"
            value={key}
            onInput={(event) => {
              setKey(event.currentTarget.value);
              setProblem(undefined);
            }}
            aria-invalid={problem !== undefined}
            aria-describedby="admin-key-error"
          />
          <FieldError id="admin-key-error" message={problem} />
        </div>
        <button type="submit" class="button button-primary" id="submit-key">
          Continue
        </button>
      </form>
    </div>
  );
}

/** Why a change did not happen; with another key at hand where the key was the reason. */
export function FailureNotice({ what, failure }: { what: string; failure: Failure }) {
  const { adminKey } = useServices();
  return (
    <div class="notice notice-error" role="alert">
      <Icon name="alert" />
      <div>
        <p class="notice-title">{what}</p>
        <p>{failure.message}</p>
      </div>
      {failure.keyRefused && (
        <button type="button" class="button" onClick={() => adminKey.set(null)}>
          Enter another key
        </button>
      )}
    </div>
  );
}
