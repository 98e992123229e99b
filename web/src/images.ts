/** What the service takes as an image, checked before anything is sent. */
export const MOST_BYTES = 2 * 1024 * 1024;
export const MOST_PIXELS = 20_000_000;

/** A file that the service will take: its bytes under their true type, and the decoded picture. */
export interface ReadImage {
  readonly image: Blob;
  readonly picture: ImageBitmap;
}

type Decode = (bytes: Blob) => Promise<ImageBitmap>;

/**
 * Reads a file into memory (it may change on the disk while it waits to be sent) and looks at it as the service does:
 * by its content, for names and declared types lie.
 */
export async function readImage(
  file: Blob,
  decode: Decode = (bytes) => createImageBitmap(bytes),
): Promise<ReadImage | { readonly problem: string }> {
  if (file.size === 0) {
    return { problem: "This file is empty." };
  }
  if (file.size > MOST_BYTES) {
    return { problem: `This file has ${mebibytes(file.size)} MiB. An image may have 2 MiB at most.` };
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  const type = typeOf(bytes);
  if (type === undefined) {
    return { problem: "This is no PNG, JPEG or WebP image." };
  }
  const image = new Blob([bytes], { type });
  let picture: ImageBitmap;
  try {
    picture = await decode(image);
  } catch (error) {
    if (error instanceof DOMException) {
      return { problem: "This image is damaged." };
    }
    throw error;
  }
  return picture.width * picture.height > MOST_PIXELS
    ? { problem: "This image has more than 20 million pixels." }
    : { image, picture };
}

/** Always more than the limit when the file is, however little. */
function mebibytes(bytes: number): string {
  return (Math.ceil((bytes / 1024 / 1024) * 100) / 100).toFixed(2);
}

/** Each format's first bytes; a dot stands for any byte. */
const SIGNATURES: Readonly<Record<string, string>> = {
  "image/png": "\u0089PNG\r\n\u001a\n",
  "image/jpeg": "\u00ff\u00d8\u00ff",
  "image/webp": "RIFF....WEBP",
};

function typeOf(bytes: Uint8Array): string | undefined {
  const begins = (signature: string) =>
    [...signature].every((letter, index) => letter === "." || letter.charCodeAt(0) === bytes[index]);
  return Object.keys(SIGNATURES).find((type) => begins(SIGNATURES[type] ?? ""));
}
