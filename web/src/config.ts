/** What `config.js` sets at deployment. */
export interface Config {
  /** Address of the API, without a slash at the end: `/api`, or another origin's. */
  readonly apiUrl: string;
  readonly versionLabel: string;
  /** ISO 4217 code of all prices. */
  readonly currency: string;
  /** The regions whose stamps the status view shows, such as `West Europe`; none: the one stamp that answers. */
  readonly regions: readonly string[];
  /** Where the edge tells about itself; empty where it does not, as in Azure. */
  readonly edgeStatusUrl: string;
}

declare global {
  interface Window {
    API_URL?: string;
    VERSION_LABEL?: string;
    CURRENCY?: string;
    STAMPS?: string[];
    EDGE_STATUS_URL?: string;
  }
}

/** The deployment's settings, each with a default, so that a config.js that sets only some of them will do. */
export function readConfig(from: Window = window): Config {
  return {
    apiUrl: (from.API_URL || "/api").replace(/\/+$/, ""),
    versionLabel: from.VERSION_LABEL || "",
    currency: from.CURRENCY || "USD",
    regions: Array.isArray(from.STAMPS)
      ? from.STAMPS.filter((one) => typeof one === "string" && one !== "")
      : [],
    edgeStatusUrl: from.EDGE_STATUS_URL || "",
  };
}
