// The reader behind the page: here, the network itself, in this browser. It reads digits that stand
// side by side on plain paper; what finds digits on whole pages is in the service alone.

import { env, InferenceSession, Tensor } from "./ort.wasm.bundle.min.mjs";

import { findInk, linesOf } from "./findink.js";
import { crop, grid } from "./grids.js";
import { SIZE, fitInk, inForm, normalise } from "./normalise.js";
import { ranked, refusals } from "./refusing.js";

const INKED = 0.2; // ink covers that much of a pixel
const APART = 0.015; // of the width: digits are at least that far apart
const MOST = 30; // digits; where there seem to be more it is a page, or no writing at all

/** What goes wrong between the page and its reader: `message` is for people. */
export class ReaderError extends Error {}

env.wasm.numThreads = 1; // more would need headers that a plain file server does not send
env.wasm.wasmPaths = { wasm: new URL("./ort-wasm-simd-threaded.wasm", import.meta.url).href };
const network = InferenceSession.create(new URL("./reader.onnx", import.meta.url).href);
const facts = fetch("reader.json").then((answer) => answer.json());
network.catch(() => {}); // told when something is to be read
facts.catch(() => {});

/** Read a picture, given as a Blob; the reading has the form that the service answers. */
export async function read(blob) {
  let session, threshold;
  try {
    [session, { threshold }] = await Promise.all([network, facts]);
  } catch {
    throw new ReaderError("The reader could not be loaded. Load the page anew.");
  }
  const picture = await greyOf(blob);
  const spots = inForm(picture) ? [{ box: [0, 0, SIZE, SIZE], ink: normalise(picture) }] : spotsOf(picture);
  if (!spots.length) return { image: null, lines: [], refused: "blank: no ink found" };
  if (spots.length > MOST) return { image: null, lines: [], refused: "not a digit: there is too much on it" };
  const pixels = new Uint8Array(spots.length * SIZE * SIZE);
  spots.forEach(({ ink }, i) => pixels.set(ink, i * SIZE * SIZE));
  const { probabilities } = await session.run({ images: new Tensor("uint8", pixels, [spots.length, SIZE, SIZE]) });
  const line = spots.map((_, i) => Array.from(probabilities.data.subarray(10 * i, 10 * i + 10)));
  const reasons = refusals(line, threshold);
  const digits = spots.map(({ box, ink }, i) => {
    const shares = line[i];
    const refused = reasons[i];
    const [digit] = ranked(shares);
    return { digit: refused ? null : digit, probability: shares[digit], box, refused, probabilities: shares, ink: Array.from(ink) };
  });
  const text = digits.map(({ digit }) => digit ?? "?").join("");
  const refused = digits.every((digit) => digit.refused) ? digits[0].refused : null;
  return { image: null, lines: [{ text, digits }], refused };
}

/** Which reader this is, in a sentence. */
export async function about() {
  const { origin } = await facts;
  return `Read by ${origin.network}, trained on ${origin["trained on"]}, in this browser: nothing that you write leaves it. Here it reads digits that stand side by side; whole pages take inkdigits serve.`;
}

/** A picture as grey levels, a grid of 0 to 255. */
export async function greyOf(blob) {
  let image;
  try {
    image = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  } catch {
    throw new ReaderError("This file is not a picture that this browser can show. Save it as PNG.");
  }
  const { width, height } = image;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0);
  image.close();
  const { data } = context.getImageData(0, 0, width, height);
  // Luma as Pillow has it, in whole numbers.
  const luma = (at) => (19595 * data[at] + 38470 * data[at + 1] + 7471 * data[at + 2] + 0x8000) >> 16;
  return grid(width, height, Float32Array.from({ length: width * height }, (_, i) => luma(4 * i)));
}

/** The digits of a picture from left to right: what has empty columns between is two of them. */
function spotsOf(picture) {
  const ink = findInk(picture);
  const runs = [];
  linesOf(ink, true).forEach((column, x) => {
    if (!column.some((value) => value > INKED)) return;
    const last = runs.at(-1);
    if (last && x - last.end < Math.max(1, APART * ink.width)) last.end = x + 1;
    else runs.push({ start: x, end: x + 1 });
  });
  return runs.map(({ start, end }) => {
    const part = crop(ink, start, 0, end, ink.height);
    const rows = linesOf(part, false).flatMap((row, y) => (row.some((value) => value > INKED) ? [y] : []));
    const [top, bottom] = [rows[0], rows.at(-1) + 1];
    const place = [ink.left + start * ink.step, ink.top + top * ink.step];
    return { box: [...place, (end - start) * ink.step, (bottom - top) * ink.step], ink: fitInk(part) };
  });
}
