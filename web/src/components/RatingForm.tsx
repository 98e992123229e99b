import { useRef, useState } from "preact/hooks";
import { useItemWrites } from "../hooks/useItem";
import { useServices } from "../services";
import { isOpen, type Write } from "../writes/write";
import { Icon } from "./Icon";
import { Star } from "./Stars";
import { wordsOf } from "./WriteBadge";

const STARS = [1, 2, 3, 4, 5];

/**
 * A radio group that looks like stars. The click of a pointer is a decision and sends the vote; an arrow key is a step
 * on the way to one, so with the keyboard the vote is sent by Enter or by the button.
 */
export function RatingForm({ itemId }: { readonly itemId: string }) {
  const { queue } = useServices();
  const latest = useItemWrites(itemId, "rating").at(-1);
  const [choice, setChoice] = useState(latest?.state === "failed" ? undefined : latest?.body.rating);
  const [sent, setSent] = useState(latest !== undefined);
  const [asked, setAsked] = useState(false);
  const byPointer = useRef(false);

  function vote(rating: number) {
    setChoice(rating);
    // Whoever clicks twice means it once.
    if (!(latest && isOpen(latest) && latest.body.rating === rating)) {
      queue.add({ kind: "rating", itemId, body: { rating } });
    }
    setSent(true);
  }

  function choose(rating: number) {
    setChoice(rating);
    setSent(false);
    setAsked(false);
  }

  function submit(event: Event) {
    event.preventDefault();
    if (choice === undefined) {
      setAsked(true);
    } else if (!sent) {
      vote(choice);
    }
  }

  return (
    <form class="rating-form" onSubmit={submit} noValidate>
      <fieldset>
        <legend>How many stars do you give?</legend>
        <div class="rating-stars">
          {STARS.map((stars) => (
            <label key={stars} class={choice !== undefined && stars <= choice ? "on" : ""}>
              <input
                type="radio"
                name={`rating-${itemId}`}
                id={`rating-${stars}`}
                value={stars}
                checked={choice === stars}
                onKeyDown={() => {
                  byPointer.current = false;
                }}
                onClick={(event) => {
                  // Browsers turn arrow keys and Space into clicks, too: those count no presses (detail 0).
                  byPointer.current = event.detail > 0;
                  if (event.detail === 1) {
                    vote(stars);
                  }
                }}
                onChange={() => byPointer.current || choose(stars)}
              />
              <Star />
              <span class="visually-hidden">{stars} of 5 stars</span>
            </label>
          ))}
        </div>
      </fieldset>
      {choice !== undefined && !sent && (
        <button type="submit" class="button button-primary" id="submit-rating">
          Send {choice} of 5 stars
        </button>
      )}
      <div class="rating-status" role="status">
        <Status latest={sent ? latest : undefined} choice={choice} sent={sent} asked={asked} />
      </div>
      {sent && latest?.state === "failed" && (
        <button type="button" class="button" onClick={() => queue.tryAgain(latest.key)}>
          Try again
        </button>
      )}
    </form>
  );
}

interface StatusProps {
  readonly latest: Extract<Write, { kind: "rating" }> | undefined;
  readonly choice: number | undefined;
  readonly sent: boolean;
  readonly asked: boolean;
}

/** What the screen reader hears, and everybody else sees below the stars. */
function Status({ latest, choice, sent, asked }: StatusProps) {
  if (latest) {
    const failed = latest.state === "failed";
    return (
      <span class={`rating-${latest.state}`} data-state={latest.state}>
        <Icon name={failed ? "alert" : latest.state === "saved" ? "check" : "clock"} />
        You gave {latest.body.rating} of 5 stars. {wordsOf(latest)}
        {failed && `: ${latest.failure?.message}`}
      </span>
    );
  }
  if (choice !== undefined && !sent) {
    return <span>{choice} of 5 stars chosen. Press Enter to send.</span>;
  }
  return <span>{asked ? "Choose from 1 to 5 stars first." : "Each vote counts, yours too."}</span>;
}
