import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Props {
  readonly title: string;
  /** What the button says that does it. */
  readonly confirm: string;
  readonly onConfirm: () => void;
  /** Called in any case, after `onConfirm` if that is. */
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** Asks before what cannot be undone. It is the browser's own dialog: the focus stays inside, and Escape leaves it. */
export function ConfirmDialog({ title, confirm, onConfirm, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  return (
    <dialog class="dialog" ref={dialog} aria-labelledby="dialog-title" onClose={onClose}>
      <h2 id="dialog-title">{title}</h2>
      <div>{children}</div>
      <div class="form-actions">
        {/* The first button has the focus at the beginning: it must be the one that does no harm. */}
        <button type="button" class="button" onClick={close}>
          Cancel
        </button>
        <button
          type="button"
          class="button button-danger"
          id="confirm"
          onClick={() => {
            onConfirm();
            close();
          }}
        >
          {confirm}
        </button>
      </div>
    </dialog>
  );
}
