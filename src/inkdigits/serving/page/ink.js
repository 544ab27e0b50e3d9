// Strokes and how they look. A stroke is a list of points {x, y, width}; x and y run from 0 to 1
// across the sheet, and width is in the same unit, so that ink is the same on every screen.

export const PEN = 0.042;

const READ_AT = 224; // pixels across the bitmap that is read, whatever the screen's own resolution

/** Draw strokes onto a canvas context whose sheet is `size` pixels across. */
export function paint(context, strokes, size, colour) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineCap = context.lineJoin = "round";
  for (const points of strokes) {
    const [first] = points;
    context.beginPath();
    context.arc(first.x * size, first.y * size, (first.width * size) / 2, 0, 2 * Math.PI);
    context.fill();
    // From middle to middle of neighbouring points, bent towards the point between: a smooth line.
    let from = first;
    for (let i = 1; i < points.length; i++) {
      const bend = points[i];
      const next = points[i + 1];
      const to = next ? { x: (bend.x + next.x) / 2, y: (bend.y + next.y) / 2 } : bend;
      context.beginPath();
      context.lineWidth = bend.width * size;
      context.moveTo(from.x * size, from.y * size);
      context.quadraticCurveTo(bend.x * size, bend.y * size, to.x * size, to.y * size);
      context.stroke();
      from = to;
    }
  }
}

/** Strokes as grey pixels, black ink on white: {width, height, grey: Uint8Array}. */
export function raster(strokes) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = READ_AT;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, READ_AT, READ_AT);
  paint(context, strokes, READ_AT, "#000");
  const { data } = context.getImageData(0, 0, READ_AT, READ_AT);
  const grey = new Uint8Array(READ_AT * READ_AT);
  for (let i = 0; i < grey.length; i++) grey[i] = data[4 * i];
  return { width: READ_AT, height: READ_AT, grey };
}

/** Grey pixels as an 8-bit BMP: plain bytes, where a browser may take its time over a PNG. */
export function bitmap({ width, height, grey }) {
  const start = 14 + 40 + 4 * 256;
  const row = Math.ceil(width / 4) * 4;
  const bytes = new Uint8Array(start + row * height);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, start, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, -height, true); // negative: the first row is the top one
  view.setUint16(26, 1, true);
  view.setUint16(28, 8, true);
  view.setUint32(46, 256, true);
  for (let i = 0; i < 256; i++) bytes.fill(i, 54 + 4 * i, 57 + 4 * i);
  for (let y = 0; y < height; y++) {
    bytes.set(grey.subarray(y * width, (y + 1) * width), start + y * row);
  }
  return new Blob([bytes], { type: "image/bmp" });
}
