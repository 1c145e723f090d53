// Codes in pictures, from the camera or a file. Pictures stay in the page.

import jsQR from "jsqr";
import type { Key } from "../words";

/** The text of a code in a picture; undefined where there is none. */
export function codeIn({ data, width, height }: { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number }): string | undefined {
  const code = jsQR(data, width, height);
  return code && code.data !== "" ? code.data : undefined;
}

/** Why there is no camera, by the name of what getUserMedia throws (Media Capture and Streams, 10.2). */
export function cameraFault(error: unknown): Key {
  switch (error instanceof Error ? error.name : "") {
    case "NotFoundError":
    case "OverconstrainedError":
      return "camera.absent";
    case "NotReadableError":
    case "AbortError":
      return "camera.busy";
  }
  return "camera.refused";
}

const MOST_BYTES = 20_000_000;
const MOST_SIDE = 1600; // a larger picture is made smaller before it is looked at

/** Looks for a code in a file; undefined where there is none, or where it is no picture at all. */
export async function codeInFile(file: Blob): Promise<string | undefined> {
  if (file.size > MOST_BYTES) return undefined;
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return undefined;
  }
  const scale = Math.min(1, MOST_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext("2d");
  context?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const pixels = context?.getImageData(0, 0, canvas.width, canvas.height);
  return pixels && codeIn(pixels);
}
