import { describe, expect, it } from "vitest";
import { MOST_BYTES, readImage } from "../src/images";
import { JPEG, PNG, WEBP } from "./files";

const decoded = async () => ({ width: 30, height: 40 }) as ImageBitmap;

describe("an image before it is sent", () => {
  it.each([
    ["image/png", PNG],
    ["image/jpeg", JPEG],
    ["image/webp", WEBP],
  ])("is known by its content as %s, whatever the file calls itself", async (type, bytes) => {
    const read = await readImage(new Blob([bytes], { type: "text/plain" }), decoded);
    expect(read).toMatchObject({ image: { type, size: bytes.length }, picture: { width: 30 } });
  });

  it.each([
    ["nothing", new Uint8Array(), /empty/],
    ["a GIF", new TextEncoder().encode("GIF89a………"), /no PNG, JPEG or WebP/],
    ["a RIFF that is a sound", new TextEncoder().encode("RIFF1234WAVEfmt "), /no PNG, JPEG or WebP/],
    ["half a signature", PNG.slice(0, 5), /no PNG, JPEG or WebP/],
    ["one byte too many", new Uint8Array(MOST_BYTES + 1), /This file has 2\.01 MiB/],
  ])("is refused when it is %s", async (_, bytes, problem) => {
    expect(await readImage(new Blob([bytes]), decoded)).toEqual({ problem: expect.stringMatching(problem) });
  });

  it("may have exactly the most that the service takes", async () => {
    const bytes = new Uint8Array(MOST_BYTES);
    bytes.set(PNG);
    expect(await readImage(new Blob([bytes]), decoded)).toHaveProperty("image");
  });

  it("is refused when it cannot be decoded, or has too many pixels", async () => {
    const damaged = async () => {
      throw new DOMException("The source image could not be decoded.", "InvalidStateError");
    };
    expect(await readImage(new Blob([PNG]), damaged)).toEqual({ problem: "This image is damaged." });
    const vast = async () => ({ width: 5000, height: 4001 }) as ImageBitmap;
    expect(await readImage(new Blob([PNG]), vast)).toEqual({
      problem: "This image has more than 20 million pixels.",
    });
  });
});
