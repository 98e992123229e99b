import { cleanup, render } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, vi } from "vitest";
import { App } from "../src/app";
import { createServices, type Services, ServicesProvider } from "../src/services";
import { BASE, FakeApi } from "./fake-api";

/** A whole page on a service in memory. */
export interface Page {
  readonly fake: FakeApi;
  readonly services: Services;
  readonly user: ReturnType<typeof userEvent.setup>;
  /** Lets time pass, and everything that it brings. */
  readonly wait: (ms?: number) => Promise<void>;
  /** Goes to an address as a link does. */
  readonly go: (hash: string) => Promise<void>;
}

/** Gives each test of a file a fresh service and, on request, pages on it. */
export function pages(): { fake: () => FakeApi; open: (hash: string) => Promise<Page> } {
  let fake: FakeApi;
  beforeEach(() => {
    vi.useFakeTimers({ shouldAdvanceTime: true, now: Date.UTC(2026, 10, 25, 12, 5) });
    vi.stubGlobal("scrollTo", () => {});
    window.API_URL = BASE;
    localStorage.clear();
    fake = new FakeApi();
  });
  afterEach(() => {
    cleanup();
    vi.useRealTimers();
    vi.unstubAllGlobals();
    window.location.hash = "";
  });

  async function open(hash: string): Promise<Page> {
    window.location.hash = hash;
    const services = createServices(fake.fetch);
    services.queue.start();
    render(
      <ServicesProvider value={services}>
        <App />
      </ServicesProvider>,
    );
    // Not within `act`: drawing, effects and answers shall follow one another as they do in a browser.
    const wait = async (ms = 100) => {
      await vi.advanceTimersByTimeAsync(ms);
    };
    await wait();
    const user = userEvent.setup({ advanceTimers: (ms) => vi.advanceTimersByTime(ms) });
    const go = async (next: string) => {
      window.location.hash = next;
      services.router.follow();
      await wait();
    };
    return { fake, services, user, wait, go };
  }
  return { fake: () => fake, open };
}
