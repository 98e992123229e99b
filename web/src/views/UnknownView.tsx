import { Empty } from "../components/notices";
import { useTitle } from "../hooks/useTitle";

/** An address that leads nowhere. */
export function UnknownView() {
  useTitle("Not found");
  return (
    <>
      <h1 tabIndex={-1}>There is no such page</h1>
      <Empty title="The address may be mistyped.">
        <p>
          <a class="button" href="#/">
            To the catalog
          </a>
        </p>
      </Empty>
    </>
  );
}
