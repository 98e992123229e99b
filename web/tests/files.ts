/** The beginnings of image files: enough for whoever looks at the content. */
export const PNG = bytesOf("\u0089PNG\r\n\u001a\n…");
export const JPEG = bytesOf("\u00ff\u00d8\u00ff\u00e0…");
export const WEBP = bytesOf("RIFF\u0001\u0002\u0003\u0004WEBPVP8 ");

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
