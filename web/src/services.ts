import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { type Api, createApi } from "./api/client";
import { type Config, readConfig } from "./config";
import { Router } from "./router";
import { Catalog } from "./state/catalog";
import { Drafts } from "./state/drafts";
import { shelfOf } from "./state/storage";
import { ThemeChoice } from "./state/theme";
import { Store } from "./store";
import { TrafficMeter } from "./traffic";
import { droppedKey, LocalKeeper } from "./writes/keeper";
import { WriteQueue } from "./writes/queue";
import { apiTransport } from "./writes/transport";

/** Everything a view may need, built once. */
export interface Services {
  readonly config: Config;
  readonly api: Api;
  /** How anything is asked for; only tests have another than the browser's. */
  readonly fetchAnswer: typeof fetch;
  /** What the requests to the API met. */
  readonly traffic: TrafficMeter;
  readonly queue: WriteQueue;
  readonly catalog: Catalog;
  readonly router: Router;
  readonly theme: ThemeChoice;
  readonly drafts: Drafts;
  /** The administrator's key: in this page's memory and nowhere else. */
  readonly adminKey: Store<string | null>;
  /** Whether the browser believes that there is a network. */
  readonly online: Store<boolean>;
}

/** Builds the services on this window and this fetch; `start` then lets them listen. */
export function createServices(fetchAnswer: typeof fetch = (...args) => fetch(...args)): Services {
  const config = readConfig();
  const traffic = new TrafficMeter();
  const api = createApi(config.apiUrl, traffic.metered(fetchAnswer));
  const adminKey = new Store<string | null>(null);
  const shelf = shelfOf(window);
  return {
    config,
    api,
    fetchAnswer,
    traffic,
    adminKey,
    queue: new WriteQueue(
      apiTransport(api, () => adminKey.value),
      new LocalKeeper(shelf),
    ),
    catalog: new Catalog(api),
    router: new Router(window),
    theme: new ThemeChoice(shelf, document.documentElement),
    drafts: new Drafts(shelf),
    online: new Store(navigator.onLine),
  };
}

/** Takes up unsent writes and follows the address bar, the network and other open pages. */
export function start({ queue, router, online }: Services): void {
  router.start();
  queue.start();
  window.addEventListener("online", () => {
    online.set(true);
    queue.wake();
  });
  window.addEventListener("offline", () => online.set(false));
  window.addEventListener("storage", (event) => {
    const key = droppedKey(event);
    if (key !== undefined) {
      queue.droppedElsewhere(key);
    }
  });
}

const Context = createContext<Services | null>(null);

export const ServicesProvider = Context.Provider;

/** The services of the page. */
export function useServices(): Services {
  const services = useContext(Context);
  if (services === null) {
    throw new Error("useServices needs a ServicesProvider above it");
  }
  return services;
}
