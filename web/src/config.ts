/** What `config.js` sets at deployment. */
export interface Config {
  /** Address of the API, without a slash at the end: `/api`, or another origin's. */
  readonly apiUrl: string;
  readonly versionLabel: string;
  /** ISO 4217 code of all prices. */
  readonly currency: string;
}

declare global {
  interface Window {
    API_URL?: string;
    VERSION_LABEL?: string;
    CURRENCY?: string;
  }
}

/** The deployment's settings, each with a default, so that a config.js that sets only some of them will do. */
export function readConfig(from: Window = window): Config {
  return {
    apiUrl: (from.API_URL || "/api").replace(/\/+$/, ""),
    versionLabel: from.VERSION_LABEL || "",
    currency: from.CURRENCY || "USD",
  };
}
