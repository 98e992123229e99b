import { useRef, useState } from "preact/hooks";
import type { NewComment } from "../api/client";
import { counted, lengthOf } from "../format";
import { useStore } from "../hooks/useStore";
import { useServices } from "../services";
import type { Write } from "../writes/write";
import { FieldError } from "./notices";

const MOST = { authorName: 64, text: 2000 };

type Problems = Partial<Record<keyof NewComment, string>>;

/** What is wrong with a comment before it is sent, by the service's own rules. */
export function problemsOf({ authorName, text }: NewComment): Problems {
  const problems: Problems = {};
  if (authorName === "") {
    problems.authorName = "Enter a name.";
  } else if (lengthOf(authorName) > MOST.authorName) {
    problems.authorName = `A name has at most ${MOST.authorName} characters.`;
  }
  if (text === "") {
    problems.text = "Write something first.";
  } else if (lengthOf(text) > MOST.text) {
    problems.text = `That is ${counted(lengthOf(text) - MOST.text, "character")} too long.`;
  }
  return problems;
}

/** Where a comment is written. What is typed outlives a reload; what is sent goes into the queue. */
export function CommentForm(props: {
  itemId: string;
  draft: NewComment;
  onDraft: (draft: NewComment) => void;
}) {
  const { itemId, draft, onDraft } = props;
  const { queue, drafts } = useServices();
  const [problems, setProblems] = useState<Problems>({});
  const [sent, setSent] = useState<string>();
  const latest = useStore(queue.writes).find((write) => write.key === sent);
  const form = useRef<HTMLFormElement>(null);

  function change(changes: Partial<NewComment>) {
    const next = { ...draft, ...changes };
    onDraft(next);
    drafts.write(itemId, next);
    // A message goes as soon as it is no longer true; a new one waits until somebody wants to send.
    const still = problemsOf(trimmed(next));
    setProblems((shown) =>
      Object.fromEntries(Object.keys(shown).map((name) => [name, still[name as keyof Problems]])),
    );
  }

  function submit(event: Event) {
    event.preventDefault();
    const body = trimmed(draft);
    const found = problemsOf(body);
    setProblems(found);
    const first = Object.keys(found)[0];
    if (first) {
      form.current?.querySelector<HTMLElement>(`#comment-${first}`)?.focus();
      return;
    }
    setSent(queue.add({ kind: "comment", itemId, body }).key);
    change({ text: "" });
  }

  const length = lengthOf(draft.text);
  return (
    <form class="comment-form" ref={form} onSubmit={submit} noValidate>
      <h3>Write a comment</h3>
      <div class="field">
        <label for="comment-authorName">Your name</label>
        <input
          id="comment-authorName"
          type="text"
          autocomplete="nickname"
          value={draft.authorName}
          onInput={(event) => change({ authorName: event.currentTarget.value })}
          aria-invalid={problems.authorName !== undefined}
          aria-describedby="comment-authorName-error"
        />
        <FieldError id="comment-authorName-error" message={problems.authorName} />
      </div>
      <div class="field">
        <label for="comment-text">Comment</label>
        <textarea
          id="comment-text"
          rows={4}
          value={draft.text}
          onInput={(event) => change({ text: event.currentTarget.value })}
          aria-invalid={problems.text !== undefined}
          aria-describedby="comment-text-error comment-text-length"
        />
        <p class={length > MOST.text ? "field-hint too-long" : "field-hint"} id="comment-text-length">
          {length} of {MOST.text} characters
        </p>
        <FieldError id="comment-text-error" message={problems.text} />
      </div>
      <div class="form-actions">
        <button type="submit" class="button button-primary" id="submit-comment">
          Send comment
        </button>
        <span role="status" class="form-status">
          {latest && news(latest)}
        </span>
      </div>
    </form>
  );
}

/** What is announced of the comment that was sent last. */
function news({ state, problem }: Write): string {
  if (state === "saved") {
    return "Your comment is saved.";
  }
  if (state === "failed") {
    return "Your comment was not saved.";
  }
  return problem ? "Your comment is kept and will be sent." : "Your comment is on its way.";
}

function trimmed({ authorName, text }: NewComment): NewComment {
  return { authorName: authorName.trim(), text: text.trim() };
}
