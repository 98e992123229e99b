import { useCallback, useState } from "preact/hooks";
import { AdminGate, FailureNotice } from "../components/AdminGate";
import { Icon } from "../components/Icon";
import { ItemForm } from "../components/ItemForm";
import { ErrorNotice } from "../components/notices";
import { WriteBadge } from "../components/WriteBadge";
import { money } from "../format";
import { useCatalog } from "../hooks/useCatalog";
import { useTitle } from "../hooks/useTitle";
import { useWrite } from "../hooks/useWrite";
import { editHash, itemHash } from "../router";
import { useServices } from "../services";
import { isOpen, resourceId, type Write } from "../writes/write";
import { NO_FIELDS } from "./item-fields";

/** Where items are created and found for editing. */
export function AdminView() {
  useTitle("Administration");
  return (
    <AdminGate title="Administration">
      <div class="admin">
        <CreateItem />
        <FindItem />
      </div>
    </AdminGate>
  );
}

function CreateItem() {
  const { catalog } = useServices();
  const [fields, setFields] = useState(NO_FIELDS);
  const { write, send } = useWrite(
    useCallback(() => {
      setFields(NO_FIELDS);
      catalog.reload();
    }, [catalog]),
  );
  const failure = write?.failure;
  return (
    <section class="panel" aria-labelledby="create-heading">
      <h2 id="create-heading">New item</h2>
      {failure && <FailureNotice what="The item was not created." failure={failure} />}
      <ItemForm
        fields={fields}
        onFields={setFields}
        {...(failure?.fields ? { refused: failure.fields } : {})}
        busy={write !== undefined && isOpen(write)}
        submit="Create item"
        onItem={(body) => send({ kind: "createItem", body })}
      >
        <span role="status" class="form-status">
          {write && <Created write={write} />}
        </span>
      </ItemForm>
    </section>
  );
}

function Created({ write }: { readonly write: Write }) {
  const id = resourceId(write);
  return (
    <>
      <WriteBadge write={write} />
      {write.state === "saved" && id && <a href={itemHash(id)}>See the item</a>}
    </>
  );
}

function FindItem() {
  const { config } = useServices();
  const [search, setSearch] = useState("");
  const found = useCatalog(search);
  const many = 8;
  return (
    <section class="panel" aria-labelledby="find-heading">
      <h2 id="find-heading">Edit an item</h2>
      <div class="search">
        <Icon name="search" />
        <input
          type="search"
          aria-label="Search the items to edit by name"
          placeholder="Search by name"
          autocomplete="off"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </div>
      {found.error && (
        <ErrorNotice
          error={found.error}
          what="The items could not be loaded."
          retry={found.retry}
          busy={found.loading}
        />
      )}
      <ul class="rows">
        {found.visible.slice(0, many).map((item) => (
          <li key={item.id}>
            <a href={editHash(item.id)}>
              <span>{item.name}</span>
              <span class="row-price">{money(item.price, config.currency)}</span>
              <Icon name="edit" />
            </a>
          </li>
        ))}
      </ul>
      <p role="status" class="field-hint">
        {found.looking && found.visible.length < many && "Looking through the catalog…"}
        {!found.looking && found.visible.length === 0 && "Nothing has this name."}
        {found.visible.length > many && "There are more: search to narrow them down."}
      </p>
    </section>
  );
}
