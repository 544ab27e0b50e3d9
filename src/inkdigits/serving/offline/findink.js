// What in a picture is ink: inkdigits.images.ink, step by step, with its constants.

import {
  average, clamped, closeRows, crop, grid, highest, label, largest, lowest3, map, mean, mirrored, padRows, quantile, reduce,
  resizeBilinear, resizeBox, round, smallest, transpose,
} from "./grids.js";

const WORKING_SIDE = 256;
const COARSE_SIDE = 64;
const WINDOW = 0.5;
const FAINTEST = 0.04;
const NOISE = 5;
const SPECK = 0.03;
const SHORT = 0.2;
const GRAIN = 0.0001;
const FRAME = 0.25;
const MOSTLY = 0.5;
const SHEET = 0.45;
const UNIFORM = 0.95;

/** How much ink covers each pixel, 0 to 1, of a grey picture, at most 256 pixels on a side; and
 * where that lies: pixel x, y of it begins at left + step · x, top + step · y of the picture. */
export function findInk(picture) {
  const longer = Math.max(picture.width, picture.height);
  const step = Math.ceil(longer / WORKING_SIDE);
  const found = { ...cover(step > 1 ? reduce(picture, step) : map(picture, Number)), left: 0, top: 0, step };
  if (step === 1 || !found.data.some((value) => value > 0)) return found;
  const rows = span(linesOf(found, false), step);
  const columns = span(linesOf(found, true), step);
  if (2 * Math.max(rows.end - rows.start, columns.end - columns.start) > longer) return found;
  const right = Math.min(columns.end, picture.width);
  const near = findInk(crop(picture, columns.start, rows.start, right, Math.min(rows.end, picture.height)));
  return { ...near, left: near.left + columns.start, top: near.top + rows.start };
}

function span(lines, step) {
  const places = lines.flatMap((line, i) => (line.some((value) => value > 0) ? [i] : []));
  const [first, last] = [places[0], places.at(-1)];
  const margin = 2 + Math.floor((last - first) / 3);
  return { start: Math.max(0, (first - margin) * step), end: (last + 1 + margin) * step };
}

function cover(work) {
  const step = Math.ceil(Math.max(work.width, work.height) / COARSE_SIDE);
  let coarse = blocks(work, step);
  if (lightOnDark(coarse, step === 1)) [work, coarse] = [work, coarse].map((g) => map(g, (value) => 255 - value));
  let [contrast, bold] = contrastsOf(work, coarse, step);
  const least = Math.fround(threshold(contrast));
  const inks = map(contrast, (value) => Number(value > least));
  const hidden = between(inks, map(bold, (value, i) => Number(value > least && !inks.data[i])));
  contrast = map(contrast, (value, i) => (hidden[i] ? bold.data[i] : value));
  const mask = digit(map(inks, (value, i) => value || hidden[i]));
  const inked = contrast.data.filter((_, i) => mask.data[i]);
  if (!inked.length) return grid(work.width, work.height);
  const level = Math.fround(quantile(inked, 0.6));
  const soft = dilated(mask);
  return map(contrast, (value, i) => (soft[i] ? Math.min(1, value / level) : 0));
}

function threshold(contrast) {
  const peak = largest(average(contrast, 3).data);
  return Math.max(FAINTEST, NOISE * noise(contrast), otsu(contrast), 0.3 * peak);
}

/** A mask grown by a pixel all round. */
function dilated({ width, height, data }) {
  const grown = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!data[y * width + x]) continue;
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        grown.fill(1, v * width + Math.max(0, x - 1), v * width + Math.min(width, x + 2));
      }
    }
  }
  return grown;
}

function blocks(work, step) {
  if (step === 1) return work;
  const [width, height] = [Math.ceil(work.width / step), Math.ceil(work.height / step)];
  const padded = grid(width * step, height * step);
  padded.data.forEach((_, i) => {
    const x = Math.min(work.width - 1, i % padded.width);
    const y = Math.min(work.height - 1, Math.floor(i / padded.width));
    padded.data[i] = work.data[y * work.width + x];
  });
  return resizeBox(padded, width, height);
}

function lightOnDark(coarse, isCropped) {
  const middle = (smallest(coarse.data) + largest(coarse.data)) / 2;
  let bright = map(coarse, (value) => Number(value > Math.fround(middle)));
  for (let inner = bright; inner; inner = withinFrame(bright)) bright = inner;
  const share = mean(edge(bright));
  if (Math.abs(mean(bright.data) - share) > SHEET && Math.abs(share - 0.5) > UNIFORM - 0.5) return share > 0.5;
  if (share > 0.25 && share < 0.75 && !isCropped) {
    const around = average(coarse, Math.max(3, Math.floor(Math.max(coarse.width, coarse.height) / 6)));
    return coarse.data.reduce((sum, value, i) => sum + Math.fround(value - around.data[i]) ** 3, 0) > 0;
  }
  return share < 0.5;
}

function withinFrame(bright) {
  const frame = Number(mean(edge(bright)) > 0.5);
  const inner = peeled(bright, frame);
  if (!inner || mean(edge(inner).map((value) => Number(value === frame))) > 1 - UNIFORM) return null;
  const left = peeled(inner, 1 - frame, 1);
  return left && left.data.some((value) => value !== frame) ? inner : null;
}

/** Without rows and columns of a colour, or nearly, at the sides; null where nothing is left. */
function peeled(bright, colour, even = UNIFORM) {
  const uneven = (columns) =>
    linesOf(bright, columns).flatMap((line, i) => (mean(line.map((value) => Number(value === colour))) < even ? [i] : []));
  const [rows, columns] = [uneven(false), uneven(true)];
  if (!rows.length || !columns.length) return null;
  return crop(bright, columns[0], rows[0], columns.at(-1) + 1, rows.at(-1) + 1);
}

function edge({ width, height, data }) {
  const places = [];
  for (let x = 0; x < width; x++) places.push(x, (height - 1) * width + x);
  for (let y = 1; y < height - 1; y++) places.push(y * width, y * width + width - 1);
  return places.map((place) => data[place]);
}

/** By how much each pixel is darker than the paper there, and than the brightest paper around. */
function contrastsOf(work, coarse, step) {
  const across = bridged(coarse, step === 1);
  const down = transpose(bridged(transpose(coarse), step === 1));
  const paper = map(across, (value, i) => Math.max(value, down.data[i]));
  const bright = highest(paper, round(WINDOW * Math.max(paper.width, paper.height)) | 1);
  const darker = (coarsely) => {
    const level = step > 1 ? resizeBilinear(coarsely, work.width, work.height, step) : coarsely;
    return map(work, (value, i) => Math.fround(level.data[i] - value) / Math.max(level.data[i], 16));
  };
  const contrast = darker(step > 1 ? lowest3(paper) : paper);
  const crest = Math.fround(quantile(contrast.data, 0.2));
  return [contrast, darker(bright)].map((each) =>
    map(each, (value) => Math.min(1, Math.max(0, Math.fround(value - crest)))));
}

/** What of the dark pieces has ink around more than half of it: 1 for each of their pixels. */
function between(ink, dark) {
  const { width, height } = dark;
  const { labels, boxes } = label(dark);
  const around = new Array(boxes.length + 1).fill(0);
  const inked = new Array(boxes.length + 1).fill(0);
  labels.forEach((one, i) => {
    if (!one) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    for (const [u, v] of [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]) {
      const inside = u >= 0 && u < width && v >= 0 && v < height;
      if (inside && labels[v * width + u]) continue;
      around[one]++;
      if (inside) inked[one] += ink.data[v * width + u];
    }
  });
  return Uint8Array.from(labels, (one) => Number(one && inked[one] > MOSTLY * around[one]));
}

/** Brighten what is dark between two bright places of a row, less than a window apart. */
function bridged(coarse, isCropped) {
  const window = round((isCropped ? 1 : WINDOW) * Math.max(coarse.width, coarse.height)) | 1;
  const room = Math.min(2 * coarse.width - 1, window) >> 1;
  const padded = padRows(coarse, room, isCropped ? mirrored : clamped);
  return crop(closeRows(padded, room), room, 0, room + coarse.width, coarse.height);
}

function noise({ width, height, data }) {
  if (Math.min(width, height) < 3) return 0;
  const off = (left, top, step) => {
    const found = new Float32Array((width - 2 * left) * (height - 2 * top));
    let count = 0;
    for (let y = top; y < height - top; y++) {
      for (let i = y * width + left; i < (y + 1) * width - left; i++) {
        found[count++] = Math.abs(data[i] - Math.fround(data[i - step] + data[i + step]) / 2);
      }
    }
    return quantile(found, 0.25);
  };
  return Math.min(off(0, 1, width), off(1, 0, 1)) / (0.3186 * 1.2247);
}

function otsu({ data }) {
  const counts = new Float64Array(256);
  for (const value of data) counts[Math.trunc(Math.fround(value * 255))]++;
  const total = data.length;
  const whole = counts.reduce((sum, count, value) => sum + count * value, 0);
  let [below, mass, best, most] = [0, 0, 0, 0];
  counts.forEach((count, value) => {
    below += count;
    mass += count * value;
    const between = ((whole * below) / total - mass) ** 2 / (below * (total - below));
    if (Number.isFinite(between) && between > most) [best, most] = [value, between];
  });
  return (best + 0.5) / 255;
}

/** Keep the pieces that can be a digit's: neither specks nor frames. */
function digit(mask) {
  const { labels, boxes } = label(mask);
  const areas = new Array(boxes.length).fill(0);
  for (const one of labels) if (one) areas[one - 1]++;
  const lengths = boxes.map((box) => Math.max(box.right - box.left, box.bottom - box.top));
  const long = Math.max(mask.width, mask.height) * FRAME;
  const large = lengths.flatMap((length, n) => (length > long ? [n] : []));
  for (const n of large) {
    const piece = grid(mask.width, mask.height, Float32Array.from(labels, (one) => Number(one === n + 1)));
    const others = areas.filter((_, other) => other !== n);
    if (Math.max(0, ...others) > leastBeside(piece, boxes[n])) areas[n] = lengths[n] = 0;
  }
  const least = Math.max(SPECK * Math.max(0, ...areas), GRAIN * labels.length);
  const longest = Math.max(1, ...lengths);
  const kept = areas.map((area, n) => Number(area >= least && lengths[n] >= SHORT * longest));
  return grid(mask.width, mask.height, Float32Array.from(labels, (one) => (one ? kept[one - 1] : 0)));
}

function leastBeside(piece, { left, top, right, bottom }) {
  const sides = sidesOf(piece);
  const least = piece.data.length / 500;
  const own = crop(piece, left, top, right, bottom);
  const hollow = mean(own.data) < 0.5 && Math.min(own.width, own.height) > piece.height / 4;
  if (sides > 1 || mean(edge(piece)) > 0.6 || (hollow && sidesOf(own) === 4)) return least;
  return sides ? Math.max(least, 0.1 * piece.data.reduce((sum, value) => sum + value, 0)) : Infinity;
}

function sidesOf({ width, height, data }) {
  const share = (start, step, length) => {
    let count = 0;
    for (let i = 0; i < length; i++) count += data[start + i * step];
    return count / length;
  };
  const sides = [share(0, 1, width), share(data.length - width, 1, width), share(0, width, height), share(width - 1, width, height)];
  return sides.filter((covered) => covered > UNIFORM).length;
}

/** The rows of a grid, or its columns, each an array. */
export function linesOf(from, columns) {
  const { width, height, data } = columns ? transpose(from) : from;
  return Array.from({ length: height }, (_, y) => data.subarray(y * width, (y + 1) * width));
}
