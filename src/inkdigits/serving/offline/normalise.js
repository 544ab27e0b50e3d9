// Any picture of one digit to a digit image: inkdigits.images.normalising, with its constants.

import { findInk, linesOf } from "./findink.js";
import { crop, distances, largest, map, mean, pad, resizeBilinear, round } from "./grids.js";

export const SIZE = 28;
const INK_BOX = 20;
const CENTRE = 14;
const THINNEST = 1.5;
const THICKEST = 4;
const EDGE = 0.2;
const STROKE_SIDE = [80, 160];

/** Bring a grey picture, a grid of 0 to 255, to a digit image: Uint8Array of 784, 0 for no ink. */
export function normalise(picture) {
  return inForm(picture) ? Uint8Array.from(picture.data) : fitInk(findInk(picture));
}

/** Bring ink, a grid of 0 to 1, to a digit image. */
export function fitInk(found) {
  const ink = cropped(found, EDGE);
  if (!ink) return new Uint8Array(SIZE * SIZE);
  let small = boxed(ink);
  const width = (2 * small.data.reduce((sum, value) => sum + value, 0)) / outline(small);
  if (!(width >= THINNEST && width <= THICKEST)) small = boxed(withUsualStrokes(ink));
  return centred(small);
}

export function inForm(picture) {
  if (picture.width !== SIZE || picture.height !== SIZE) return false;
  const ink = cropped(picture, 0);
  if (!ink) return false;
  const side = Math.max(ink.width, ink.height);
  if (side < INK_BOX - 1 || side > INK_BOX) return false;
  return middle(picture).every((place) => Math.abs(place - CENTRE) <= 0.5 + 1e-6);
}

function cropped(ink, least) {
  const inked = (columns) => linesOf(ink, columns).flatMap((line, i) => (line.some((value) => value > least) ? [i] : []));
  const [rows, columns] = [inked(false), inked(true)];
  return rows.length ? crop(ink, columns[0], rows[0], columns.at(-1) + 1, rows.at(-1) + 1) : null;
}

function boxed(ink) {
  return resized(ink, INK_BOX / Math.max(ink.width, ink.height));
}

function resized(ink, scale) {
  const [width, height] = [ink.width, ink.height].map((side) => Math.max(1, round(side * scale)));
  return resizeBilinear(ink, width, height);
}

function outline(ink) {
  const { width, height, data } = pad(ink, 1);
  let sum = 0;
  for (let y = 0; y < height - 1; y++) {
    for (let x = 0; x < width - 1; x++) {
      const at = y * width + x;
      sum += Math.hypot(data[at + width] - data[at], data[at + 1] - data[at]);
    }
  }
  return sum;
}

function withUsualStrokes(ink) {
  const longer = Math.max(ink.width, ink.height);
  const side = Math.min(STROKE_SIDE[1], Math.max(STROKE_SIDE[0], longer));
  const unit = side / INK_BOX;
  const large = pad(resized(ink, side / longer), round(2 * unit));
  const half = Math.fround(0.5 * largest(large.data));
  const inside = map(large, (value) => Number(value > half));
  const depth = distances(inside).map((far) => far - 0.5);
  const outside = distances(map(inside, (value) => 1 - value)).map((far) => far - 0.5);
  const width = 4 * mean(depth.filter((_, i) => inside.data[i]));
  const shift = (width - Math.min(THICKEST * unit, Math.max(THINNEST * unit, width))) / 2;
  const moved = map(large, (_, i) => {
    const far = (inside.data[i] ? depth[i] : -outside[i]) - shift;
    return Math.min(1, Math.max(0, far + 0.5));
  });
  return cropped(moved, EDGE);
}

/** Row and column of the centre of mass. */
function middle({ width, data }) {
  let [total, down, across] = [0, 0, 0];
  data.forEach((value, i) => {
    total += value;
    down += value * Math.floor(i / width);
    across += value * (i % width);
  });
  return [down / total, across / total];
}

function centred(ink) {
  const sides = [ink.height, ink.width];
  const [top, left] = middle(ink).map((place, i) => Math.min(SIZE - sides[i], Math.max(0, round(CENTRE - place))));
  const canvas = new Uint8Array(SIZE * SIZE);
  ink.data.forEach((value, i) => {
    const [x, y] = [i % ink.width, Math.floor(i / ink.width)];
    canvas[(top + y) * SIZE + left + x] = round(Math.fround(255 * value));
  });
  return canvas;
}
