import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import type { NewItem } from "../api/client";
import { useServices } from "../services";
import { type FieldProblems, type Fields, itemOf } from "../views/item-fields";
import { FieldError } from "./notices";

interface Props {
  readonly fields: Fields;
  readonly onFields: (fields: Fields) => void;
  /** What the service said of single fields. */
  readonly refused?: FieldProblems;
  readonly busy: boolean;
  readonly submit: string;
  readonly onItem: (item: NewItem) => void;
  /** Shown beside the button. */
  readonly children?: ComponentChildren;
}

/** The fields of an item, to create or to edit. */
export function ItemForm({ fields, onFields, refused, busy, submit, onItem, children }: Props) {
  const { config } = useServices();
  const [found, setFound] = useState<FieldProblems>({});
  const form = useRef<HTMLFormElement>(null);
  const problems = { ...refused, ...found };

  const props = (name: keyof Fields) => ({
    id: `item-${name}`,
    value: fields[name],
    disabled: busy,
    "aria-invalid": problems[name] !== undefined,
    "aria-describedby": `item-${name}-error`,
    onInput: (event: { currentTarget: { value: string } }) => {
      onFields({ ...fields, [name]: event.currentTarget.value });
      setFound(({ [name]: _, ...others }) => others);
    },
  });

  function send(event: Event) {
    event.preventDefault();
    const result = itemOf(fields);
    setFound("problems" in result ? result.problems : {});
    if ("problems" in result) {
      form.current?.querySelector<HTMLElement>(`#item-${Object.keys(result.problems)[0]}`)?.focus();
    } else {
      onItem(result.item);
    }
  }

  return (
    <form class="item-form" ref={form} onSubmit={send} noValidate>
      <div class="field">
        <label for="item-name">Name</label>
        <input type="text" autocomplete="off" {...props("name")} />
        <FieldError id="item-name-error" message={problems.name} />
      </div>
      <div class="field">
        <label for="item-description">Description</label>
        <textarea rows={5} {...props("description")} />
        <FieldError id="item-description-error" message={problems.description} />
      </div>
      <div class="field field-short">
        <label for="item-price">Price in {config.currency}</label>
        <input type="text" inputMode="decimal" autocomplete="off" {...props("price")} />
        <FieldError id="item-price-error" message={problems.price} />
      </div>
      <div class="form-actions">
        <button type="submit" class="button button-primary" id="submit-item" disabled={busy}>
          {submit}
        </button>
        {children}
      </div>
    </form>
  );
}
