const DATE = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const COUNT = new Intl.NumberFormat("en");

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
  ["month", 12],
  ["year", Number.POSITIVE_INFINITY],
];

/** `5 minutes ago`; a browser whose clock is behind sees `now`, not the future. */
export function ago(date: Date, now: Date): string {
  let amount = Math.max(0, (now.getTime() - date.getTime()) / 1000);
  for (const [unit, size] of STEPS) {
    if (amount < size) {
      return unit === "second" ? "just now" : AGO.format(-Math.floor(amount), unit);
    }
    amount /= size;
  }
  return DATE.format(date);
}

/** Date and time in full. */
export function inFull(date: Date): string {
  return DATE.format(date);
}

/** A price in the deployment's currency. */
export function money(price: number, currency: string): string {
  return new Intl.NumberFormat("en", { style: "currency", currency }).format(price);
}

/** `1 vote`, `2,000 votes`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${COUNT.format(count)} ${count === 1 ? one : many}`;
}

/** How long a text is as the service counts: an emoji is one, not two. */
export function lengthOf(text: string): number {
  return [...text].length;
}
