import { isDeletion, type Write } from "../writes/write";
import { Icon } from "./Icon";

/** How far a write has come, in a few words. */
export function wordsOf(write: Write): string {
  switch (write.state) {
    case "waiting":
      return write.problem ? "Waiting to be sent again" : "Waiting to be sent";
    case "sending":
      return "Sending…";
    case "accepted":
      return isDeletion(write) ? "Accepted, being deleted…" : "Accepted, being saved…";
    case "saved":
      return isDeletion(write) ? "Deleted" : "Saved";
    case "failed":
      return isDeletion(write) ? "Not deleted" : "Not saved";
  }
}

const ICONS = {
  waiting: "clock",
  sending: "clock",
  accepted: "clock",
  saved: "check",
  failed: "alert",
} as const;

/** A write's state beside what was written. */
export function WriteBadge({ write }: { readonly write: Write }) {
  return (
    <span class={`badge badge-${write.state}`} data-state={write.state}>
      <Icon name={ICONS[write.state]} />
      {wordsOf(write)}
    </span>
  );
}
