// Grids of numbers, {width, height, data}, and what inkdigits.images does to them with NumPy, SciPy
// and Pillow. Results equal Python's to the last bits of a float32, so that both see the same digit.

export function grid(width, height, data = new Float32Array(width * height)) {
  return { width, height, data };
}

/** A grid of the same size, each value f(value, index). */
export function map({ width, height, data }, f) {
  return grid(width, height, data.map(f));
}

export function crop({ width, data }, left, top, right, bottom) {
  const rows = [];
  for (let y = top; y < bottom; y++) rows.push(data.subarray(y * width + left, y * width + right));
  const part = grid(right - left, bottom - top);
  rows.forEach((row, y) => part.data.set(row, y * part.width));
  return part;
}

/** With `by` zeros on every side. */
export function pad({ width, height, data }, by) {
  const padded = grid(width + 2 * by, height + 2 * by);
  for (let y = 0; y < height; y++) {
    padded.data.set(data.subarray(y * width, (y + 1) * width), (y + by) * padded.width + by);
  }
  return padded;
}

export function transpose({ width, height, data }) {
  const turned = grid(height, width);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) turned.data[x * height + y] = data[y * width + x];
  return turned;
}

/** Python's round: halves go to the even neighbour. */
export function round(value) {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

/** numpy.quantile, by linear interpolation. */
export function quantile(values, share) {
  const sorted = Float32Array.from(values).sort();
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

export function mean(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

export function largest(values) {
  return mostOf(values, 0, values.length);
}

export function smallest(values) {
  return leastOf(values, 0, values.length);
}

// Pillow's resampling filters and how far they reach.
const BOX = [(x) => (x > -0.5 && x <= 0.5 ? 1 : 0), 0.5];
const BILINEAR = [(x) => Math.max(0, 1 - Math.abs(x)), 1];

export function resizeBox(from, width, height) {
  return resize(from, width, height, BOX);
}

/** With `step`, each place becomes that many, and what is beyond width and height is left out. */
export function resizeBilinear(from, width, height, step) {
  return resize(from, width, height, BILINEAR, step);
}

function resize(from, width, height, filter, step) {
  const same = (side, other) => side === other && !step;
  const wide = same(from.width, width) ? from : resizeRows(from, width, filter, step);
  return same(wide.height, height) ? wide : transpose(resizeRows(transpose(wide), height, filter, step));
}

function resizeRows(from, width, [filter, reach], step) {
  const scale = step ? 1 / step : from.width / width;
  const stretch = Math.max(1, scale);
  const to = grid(width, from.height);
  for (let x = 0; x < width; x++) {
    const centre = (x + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach * stretch + 0.5));
    const end = Math.min(from.width, Math.trunc(centre + reach * stretch + 0.5));
    const weights = [];
    for (let i = first; i < end; i++) weights.push(filter((i - centre + 0.5) * (1 / stretch)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const shares = weights.map((weight) => weight / total);
    for (let y = 0; y < from.height; y++) {
      let sum = 0;
      for (let i = first; i < end; i++) sum += from.data[y * from.width + i] * shares[i - first];
      to.data[y * width + x] = sum;
    }
  }
  return to;
}

/** Pillow's Image.reduce of bytes: means of blocks of step × step, at the edges of what there is. */
export function reduce(from, step) {
  const to = grid(Math.ceil(from.width / step), Math.ceil(from.height / step));
  for (let y = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++) {
      const right = Math.min(from.width, (x + 1) * step);
      const bottom = Math.min(from.height, (y + 1) * step);
      let sum = 0;
      for (let v = y * step; v < bottom; v++) for (let u = x * step; u < right; u++) sum += from.data[v * from.width + u];
      const count = (right - x * step) * (bottom - y * step);
      // Pillow divides by multiplying, which rounds down a little sooner.
      to.data[y * to.width + x] = Math.floor(((sum + Math.floor(count / 2)) * Math.floor(2 ** 24 / count)) / 2 ** 24);
    }
  }
  return to;
}

/** Where a place beyond the edge is taken from: mirrored there, or the edge itself. */
export function mirrored(place, length) {
  while (place < 0 || place >= length) place = place < 0 ? -1 - place : 2 * length - 1 - place;
  return place;
}

export function clamped(place, length) {
  return Math.min(length - 1, Math.max(0, place));
}

/** With `room` more places at both ends of every row. */
export function padRows({ width, height, data }, room, beyond) {
  const padded = grid(width + 2 * room, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < padded.width; x++) {
      padded.data[y * padded.width + x] = data[y * width + beyond(x - room, width)];
    }
  }
  return padded;
}

/** The closing of every row, with a window that reaches as far as `room` either way. */
export function closeRows(from, room) {
  return slide(slide(from, room, room, clamped, mostOf), room, room, clamped, leastOf);
}

/** scipy.ndimage.minimum_filter with a square of 3. */
export function lowest3(from) {
  return square(from, 1, 1, leastOf);
}

/** scipy.ndimage.maximum_filter with a square of `side`, which is odd. */
export function highest(from, side) {
  return square(from, side >> 1, side >> 1, mostOf);
}

/** scipy.ndimage.uniform_filter with a square of `side`. */
export function average(from, side) {
  const before = Math.floor(side / 2);
  return square(from, before, side - 1 - before, (row, start, end) => {
    let sum = 0;
    for (let i = start; i < end; i++) sum += row[i];
    return sum / side;
  });
}

function mostOf(row, start, end) {
  let most = row[start];
  for (let i = start + 1; i < end; i++) if (row[i] > most) most = row[i];
  return most;
}

function leastOf(row, start, end) {
  let least = row[start];
  for (let i = start + 1; i < end; i++) if (row[i] < least) least = row[i];
  return least;
}

/** f(row, start, end) of what is around each place, in its column and then of that in its row. */
function square(from, before, after, f) {
  return slide(transpose(slide(transpose(from), before, after, mirrored, f)), before, after, mirrored, f);
}

function slide({ width, height, data }, before, after, beyond, f) {
  const to = grid(width, height);
  const row = new Float32Array(before + width + after);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < row.length; i++) row[i] = data[y * width + beyond(i - before, width)];
    for (let x = 0; x < width; x++) to.data[y * width + x] = f(row, x, x + before + after + 1);
  }
  return to;
}

/** Label what is not 0 in pieces that touch, at corners too, from 1 in the order of reading; with
 * the box of each. */
export function label({ width, height, data }) {
  const labels = new Int32Array(data.length);
  const boxes = [];
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || labels[start]) continue;
    const box = { left: width, top: height, right: 0, bottom: 0 };
    labels[start] = boxes.push(box);
    const todo = [start];
    while (todo.length) {
      const at = todo.pop();
      const x = at % width;
      const y = Math.floor(at / width);
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y + 1);
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const next = v * width + u;
          if (data[next] && !labels[next]) {
            labels[next] = boxes.length;
            todo.push(next);
          }
        }
      }
    }
  }
  return { labels, boxes };
}

/** Distance of every place to the nearest 0 (Felzenszwalb and Huttenlocher, 2012). */
export function distances(from) {
  const squares = map(from, (value) => (value ? 1e12 : 0));
  const rows = (g) => {
    const to = grid(g.width, g.height, new Float64Array(g.data.length));
    for (let y = 0; y < g.height; y++) lowerEnvelope(g.data, to.data, y * g.width, g.width);
    return to;
  };
  const across = rows({ ...squares, data: Float64Array.from(squares.data) });
  const turned = grid(across.height, across.width, new Float64Array(across.data.length));
  const flip = (a, b) => {
    for (let y = 0; y < a.height; y++) for (let x = 0; x < a.width; x++) b.data[x * a.height + y] = a.data[y * a.width + x];
    return b;
  };
  const both = flip(rows(flip(across, turned)), grid(from.width, from.height, new Float64Array(from.data.length)));
  return both.data.map(Math.sqrt);
}

function lowerEnvelope(from, to, start, length) {
  const vertices = new Int32Array(length);
  const borders = new Float64Array(length + 1);
  let last = 0;
  borders[0] = -Infinity;
  borders[1] = Infinity;
  for (let q = 1; q < length; q++) {
    const meet = () => {
      const p = vertices[last];
      return (from[start + q] + q * q - from[start + p] - p * p) / (2 * (q - p));
    };
    let at = meet();
    while (at <= borders[last]) {
      last--;
      at = meet();
    }
    vertices[++last] = q;
    borders[last] = at;
    borders[last + 1] = Infinity;
  }
  let k = 0;
  for (let q = 0; q < length; q++) {
    while (borders[k + 1] < q) k++;
    const off = q - vertices[k];
    to[start + q] = off * off + from[start + vertices[k]];
  }
}
