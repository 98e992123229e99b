import type { ComponentChildren } from "preact";
import { counted } from "../format";
import { useStore } from "../hooks/useStore";
import { useServices } from "../services";
import type { Theme } from "../state/theme";
import { obstacle } from "../writes/queue";
import { isOpen } from "../writes/write";
import { Icon } from "./Icon";

/** What is around every view. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const { config, router } = useServices();
  const { view } = useStore(router.route);
  const current = (...views: string[]) => (views.includes(view) ? ("page" as const) : undefined);
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: it does go to a place in this page; the hash alone is the router's */}
      <a
        class="skip-link"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to content
      </a>
      <header class="site-header">
        <div class="bar">
          <a class="brand" href="#/">
            <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
              <circle class="brand-one" cx="12" cy="16" r="9" />
              <circle class="brand-two" cx="20" cy="16" r="9" />
            </svg>
            <span>
              AlwaysOn <b>Catalog</b>
            </span>
          </a>
          <nav aria-label="Main">
            <a href="#/catalog" aria-current={current("home", "catalog", "item")}>
              Catalog
            </a>
            <a href="#/status" aria-current={current("status")}>
              Status
            </a>
            <a href="#/admin" aria-current={current("admin", "adminItem")}>
              Admin
            </a>
          </nav>
          <ThemeButton />
        </div>
      </header>
      <ConnectionBanner />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <footer class="site-footer">
        <p>
          AlwaysOn Catalog
          {config.versionLabel && <span class="version"> · {config.versionLabel}</span>}
        </p>
        <p>
          <a href={`${config.apiUrl}/openapi.json`}>API description</a>
        </p>
      </footer>
    </>
  );
}

const THEME: Readonly<Record<Theme, { icon: "system" | "sun" | "moon"; words: string }>> = {
  system: { icon: "system", words: "as the system" },
  light: { icon: "sun", words: "light" },
  dark: { icon: "moon", words: "dark" },
};

function ThemeButton() {
  const { theme } = useServices();
  const { icon, words } = THEME[useStore(theme.theme)];
  return (
    <button type="button" class="icon-button" onClick={() => theme.next()} title={`Colours: ${words}`}>
      <Icon name={icon} />
      <span class="visually-hidden">Colours: {words}. Change</span>
    </button>
  );
}

/** Says when nothing gets through, and what that means for what was written. */
function ConnectionBanner() {
  const { online, queue } = useServices();
  const isOnline = useStore(online);
  const writes = useStore(queue.writes);
  const open = writes.filter(isOpen).length;
  const problem = obstacle(writes);
  const unsent =
    open > 0 ? ` ${counted(open, "entry is", "entries are")} kept here until the way is free.` : "";
  return (
    <div role="status" class="banner-place">
      {!isOnline && (
        <p class="banner" data-banner="offline">
          <Icon name="offline" />
          <span>You are offline.{unsent || " You can go on: what you write is sent when you are back."}</span>
        </p>
      )}
      {isOnline && problem && (
        <p class="banner" data-banner="trouble">
          <Icon name="clock" />
          <span>
            {problem}
            {unsent}
          </span>
          <button type="button" class="button-link" onClick={() => queue.wake()}>
            Try now
          </button>
        </p>
      )}
    </div>
  );
}
