import { counted } from "../format";

const POINTS = "12,2.6 14.9,8.7 21.6,9.6 16.7,14.2 17.9,20.9 12,17.7 6.1,20.9 7.3,14.2 2.4,9.6 9.1,8.7";
const PLACES = [0, 1, 2, 3, 4];

/** One star's outline. */
export function Star({ class: name = "star" }: { readonly class?: string }) {
  return (
    <svg class={name} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <polygon points={POINTS} stroke-linejoin="round" />
    </svg>
  );
}

function Row({ class: name }: { readonly class: string }) {
  return (
    <g class={name}>
      {PLACES.map((place) => (
        <polygon key={place} points={POINTS} transform={`translate(${place * 24} 0)`} />
      ))}
    </g>
  );
}

/** An average, drawn to the tenth of a star and said in words. */
export function Stars({ average, votes }: { readonly average: number; readonly votes: number }) {
  const words =
    votes === 0 ? "No votes yet" : `${average.toFixed(1)} of 5 stars on average, ${counted(votes, "vote")}`;
  return (
    <svg class="stars" viewBox="0 0 120 24" role="img" aria-label={words} focusable="false">
      <Row class="stars-empty" />
      {/* A nested picture cuts off what is beyond its width. */}
      <svg x="0" y="0" width={average * 24} height="24" aria-hidden="true">
        <Row class="stars-full" />
      </svg>
    </svg>
  );
}
