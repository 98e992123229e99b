import { useLayoutEffect, useRef } from "preact/hooks";
import { Shell } from "./components/Shell";
import { useStore } from "./hooks/useStore";
import { useTitle } from "./hooks/useTitle";
import type { Route } from "./router";
import { useServices } from "./services";
import { AdminView } from "./views/AdminView";
import { CatalogView } from "./views/CatalogView";
import { EditItemView } from "./views/EditItemView";
import { ItemView } from "./views/ItemView";
import { StatusRoute } from "./views/StatusRoute";
import { UnknownView } from "./views/UnknownView";

/** The page: the view that the address asks for, inside the shell. */
export function App() {
  const { router } = useServices();
  const route = useStore(router.route);
  useArrival(route);
  return (
    <Shell>
      <View route={route} />
    </Shell>
  );
}

function View({ route }: { readonly route: Route }) {
  switch (route.view) {
    case "home":
    case "catalog":
      return <Catalog search={route.search} home={route.view === "home"} />;
    case "item":
      return <ItemView key={route.itemId} itemId={route.itemId} />;
    case "status":
      return <StatusRoute />;
    case "admin":
      return <AdminView />;
    case "adminItem":
      return <EditItemView key={route.itemId} itemId={route.itemId} />;
    case "unknown":
      return <UnknownView />;
  }
}

function Catalog({ search, home }: { readonly search: string; readonly home: boolean }) {
  useTitle(home ? undefined : "All items");
  return <CatalogView search={search} home={home} />;
}

/** Goes to where the reader was in a place they come back to, and tells screen readers that the view is another. */
function useArrival(route: Route): void {
  const { router } = useServices();
  const place = "itemId" in route ? `${route.view} ${route.itemId}` : route.view;
  const left = useRef(place);
  useLayoutEffect(() => {
    if (left.current !== place) {
      left.current = place;
      window.scrollTo(0, router.scrollY);
      document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
    }
  }, [place, router]);
}
