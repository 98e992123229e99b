import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../components/Icon";
import { counted } from "../format";
import { useStore } from "../hooks/useStore";
import { type Services, useServices } from "../services";
import { Charts } from "../status/Charts";
import { Details } from "../status/Details";
import { Glyph } from "../status/Glyph";
import { type Picture, StatusMonitor } from "../status/monitor";
import { type Light, WORDS } from "../status/report";
import { StatusTable } from "../status/StatusTable";
import { SystemMap } from "../status/SystemMap";
import "../styles/status.css";

/** The system as a picture that keeps itself up to date. */
export function StatusView() {
  const services = useServices();
  const monitor = monitorOf(services);
  const picture = useStore(monitor.picture);
  const [selected, setSelected] = useState<string>();
  useEffect(() => monitor.start(), [monitor]);
  useEffect(() => {
    if (selected !== undefined) {
      bringIntoView(document.getElementById("details"));
    }
  }, [selected]);
  if (picture.at === undefined) {
    return <Waiting failed={picture.failures > 0} look={monitor.look} />;
  }
  return (
    <>
      <Summary picture={picture} />
      <Age picture={picture} look={monitor.look} />
      <News picture={picture} />
      <div class="status">
        <SystemMap
          picture={picture}
          selected={selected}
          onSelect={(id) => setSelected((before) => (before === id ? undefined : id))}
        />
        <Details picture={picture} selected={selected} />
      </div>
      <StatusTable picture={picture} />
      <Charts picture={picture} own={services.config.edgeStatusUrl === ""} />
    </>
  );
}

/** On a small screen the details are below the picture: who asks for them shall see that they are there. */
function bringIntoView(details: HTMLElement | null): void {
  const least = 120;
  if (details && details.getBoundingClientRect().top > window.innerHeight - least) {
    details.scrollIntoView({ block: "nearest" });
  }
}

const monitors = new WeakMap<Services, StatusMonitor>();

/** One for the whole page: who comes back finds the charts as they were, with a gap. */
function monitorOf(services: Services): StatusMonitor {
  const { config, fetchAnswer, traffic } = services;
  const known = monitors.get(services);
  if (known) {
    return known;
  }
  const made = new StatusMonitor(
    {
      origin: new URL(config.apiUrl, window.location.href).origin,
      regions: config.regions,
      edgeUrl: config.edgeStatusUrl,
    },
    fetchAnswer,
    traffic,
  );
  monitors.set(services, made);
  return made;
}

function Waiting({ failed, look }: { readonly failed: boolean; readonly look: () => void }) {
  return failed ? (
    <div class="notice notice-error" role="alert">
      <Icon name="alert" />
      <p>Nobody answers. It is tried again by itself.</p>
      <button type="button" class="button" onClick={look}>
        Try now
      </button>
    </div>
  ) : (
    <p role="status">Looking…</p>
  );
}

/** All regions in one sentence. */
function Summary({ picture }: { readonly picture: Picture }) {
  const { stamps } = picture;
  const well = stamps.filter((stamp) => stamp.light === "healthy").length;
  const serving = stamps.filter((stamp) => stamp.light === "healthy" || stamp.light === "degraded").length;
  const light: Light = well === stamps.length ? "healthy" : serving > 0 ? "degraded" : "unhealthy";
  const words =
    well === stamps.length
      ? (["", "The region is healthy.", "Both regions are healthy."][stamps.length] ??
        `All ${stamps.length} regions are healthy.`)
      : serving > 0
        ? `${well} of ${counted(stamps.length, "region")} ${well === 1 ? "is" : "are"} healthy. The service goes on.`
        : "No region is well.";
  return (
    <p class="status-summary" data-light={light}>
      <Glyph light={light} /> {words}
    </p>
  );
}

const OLD_MS = 7000;

/** How old the picture is; loud only when it is too old. */
function Age({ picture, look }: { readonly picture: Picture; readonly look: () => void }) {
  const now = useNow(1000);
  const age = Math.max(0, now - (picture.at ?? now));
  const edgeAge = picture.edgeAt === undefined ? 0 : Math.max(0, now - picture.edgeAt);
  if (age < OLD_MS || picture.failures === 0) {
    return (
      <p class="field-hint status-age">
        Updated {age < OLD_MS ? "just now" : `${seconds(age)} ago`}
        {edgeAge - age > OLD_MS && `; what the edge tells is ${seconds(edgeAge)} old`}.
      </p>
    );
  }
  return (
    <div class="notice" data-banner="old">
      <Icon name="clock" />
      <p>Nobody answers any more. This picture is {seconds(age)} old.</p>
      <button type="button" class="button" onClick={look}>
        Try now
      </button>
    </div>
  );
}

function seconds(ms: number): string {
  return ms < 120_000 ? counted(Math.floor(ms / 1000), "second") : counted(Math.floor(ms / 60_000), "minute");
}

function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** Says aloud when a region's light changes, and nothing else: the picture moves every two seconds. */
function News({ picture }: { readonly picture: Picture }) {
  const before = useRef(new Map<string, Light>());
  const [words, setWords] = useState("");
  useEffect(() => {
    const changed = picture.stamps.filter((stamp) => {
      const light = before.current.get(stamp.stamp);
      return light !== undefined && light !== stamp.light;
    });
    before.current = new Map(picture.stamps.map((stamp) => [stamp.stamp, stamp.light]));
    if (changed.length > 0) {
      setWords(changed.map((stamp) => `${stamp.region}: ${WORDS[stamp.light]}.`).join(" "));
    }
  }, [picture]);
  return (
    <p role="status" class="visually-hidden">
      {words}
    </p>
  );
}
