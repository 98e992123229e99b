import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../components/Icon";
import { useTitle } from "../hooks/useTitle";

let loaded: ComponentType | undefined;

/** The status view's place. The view itself comes on demand: most visitors never see it. */
export function StatusRoute() {
  useTitle("Status");
  const [, setArrived] = useState(loaded !== undefined);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    import("./StatusView").then(
      ({ StatusView }) => {
        loaded = StatusView;
        setArrived(true);
      },
      () => setFailed(true),
    );
  }, []);
  const View = loaded;
  return (
    <>
      <h1 tabIndex={-1}>Status</h1>
      {View && <View />}
      {!View && !failed && <p role="status">Loading…</p>}
      {!View && failed && (
        // Without a network, or after a deployment that has this part under another name.
        <div class="notice notice-error" role="alert">
          <Icon name="alert" />
          <p>This part of the page could not be loaded.</p>
          <button type="button" class="button" onClick={() => window.location.reload()}>
            Reload the page
          </button>
        </div>
      )}
    </>
  );
}
