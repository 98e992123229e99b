import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { CatalogItem } from "../api/client";
import { useItemWrites } from "../hooks/useItem";
import { useWrite } from "../hooks/useWrite";
import { type ReadImage, readImage } from "../images";
import { useServices } from "../services";
import { isOpen } from "../writes/write";
import { FailureNotice } from "./AdminGate";
import { Icon } from "./Icon";
import { ItemPicture } from "./ItemPicture";
import { FieldError } from "./notices";
import { WriteBadge } from "./WriteBadge";

interface Props {
  readonly item: CatalogItem;
  readonly reload: () => void;
  readonly disabled: boolean;
}

/** Where an item gets its image: chosen, looked at, checked, sent. */
export function ImageForm({ item, reload, disabled }: Props) {
  const { catalog, queue } = useServices();
  const [chosen, setChosen] = useState<ReadImage>();
  const [problem, setProblem] = useState<string>();
  const input = useRef<HTMLInputElement>(null);
  const { send } = useWrite(
    useCallback(() => {
      setChosen(undefined);
      if (input.current) {
        input.current.value = "";
      }
      catalog.reload();
      reload();
    }, [catalog, reload]),
  );
  const latest = useItemWrites(item.id, "uploadImage").at(-1);
  const open = latest !== undefined && isOpen(latest);

  async function choose(file: File | undefined) {
    setChosen(undefined);
    setProblem(undefined);
    if (file) {
      const read = await readImage(file);
      // Somebody may have chosen another one while this was decoded.
      if (input.current?.files?.[0] === file) {
        "problem" in read ? setProblem(read.problem) : setChosen(read);
      }
    }
  }

  function submit(event: Event) {
    event.preventDefault();
    if (chosen) {
      send({ kind: "uploadImage", itemId: item.id, image: chosen.image });
    } else {
      setProblem(problem ?? "Choose an image first.");
      input.current?.focus();
    }
  }

  return (
    <section class="panel" aria-labelledby="image-heading">
      <h2 id="image-heading">Image</h2>
      {latest?.failure && <FailureNotice what="The image was not saved." failure={latest.failure} />}
      <form class="image-form" onSubmit={submit} noValidate>
        <div class="image-now">
          {chosen ? <Preview picture={chosen.picture} /> : <ItemPicture item={item} described />}
          <p class="field-hint">
            {chosen
              ? "A preview: not sent yet"
              : item.imageUrl
                ? "The present image"
                : "No image yet: a drawn cover"}
          </p>
        </div>
        <div class="image-choice">
          <div class="field">
            <label for="item-image">Choose a PNG, JPEG or WebP file</label>
            <input
              id="item-image"
              type="file"
              accept="image/png,image/jpeg,image/webp"
              ref={input}
              disabled={disabled || open}
              onChange={(event) => void choose(event.currentTarget.files?.[0])}
              aria-invalid={problem !== undefined}
              aria-describedby="item-image-error item-image-hint"
            />
            <FieldError id="item-image-error" message={problem} />
            <p class="field-hint" id="item-image-hint">
              At most 2 MiB. An image on its way is not kept over a reload: stay here until it is saved.
            </p>
          </div>
          <div class="form-actions">
            <button type="submit" class="button button-primary" id="submit-image" disabled={disabled || open}>
              Upload
            </button>
            {latest?.state === "failed" && (
              <button type="button" class="button" onClick={() => queue.tryAgain(latest.key)}>
                Try again
              </button>
            )}
            <span role="status" class="form-status">
              {latest && !(chosen && latest.state === "saved") && <WriteBadge write={latest} />}
            </span>
          </div>
          {open && latest.problem && (
            <p class="field-hint">
              <Icon name="clock" /> {latest.problem} It is tried again as long as this page is open.
            </p>
          )}
        </div>
      </form>
    </section>
  );
}

// Wide enough for a sharp preview on any screen.
const PREVIEW = 600;

/** Drawn, not linked: the page's policy admits no image from a blob's address. */
function Preview({ picture }: { readonly picture: ImageBitmap }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scale = Math.min(1, PREVIEW / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  useEffect(() => {
    canvas.current?.getContext("2d")?.drawImage(picture, 0, 0, width, height);
  }, [picture, width, height]);
  return (
    <canvas
      class="cover"
      ref={canvas}
      width={width}
      height={height}
      role="img"
      aria-label={`Preview of the chosen image, ${picture.width} by ${picture.height} pixels`}
    />
  );
}
