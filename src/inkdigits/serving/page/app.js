// The page: what is on the sheet, what was on it before, and its reading.

import { bitmap, paint, raster } from "./ink.js";
import { Latest } from "./latest.js";
import { watchKeys, watchPointer } from "./pen.js";
import { prepare, watchPictures } from "./pictures.js";
import { ReaderError, about, read } from "./reader.js";
import { firstOf, offerSamples } from "./samples.js";
import { showError, showNothing, showReading, showWaiting } from "./view.js";

const WRITING = 700; // milliseconds that a sample takes to be written
const BLANK = { strokes: [], picture: null };

const byId = (id) => document.getElementById(id);
const canvas = byId("ink");
const readings = new Latest(24);

let sheet = BLANK; // {strokes, picture}: replaced by the next, never changed but for the live stroke
let past = []; // the sheets before it
let live = null; // the stroke being written
let frame = null; // of a sample being written

/** Put another sheet on top; undo comes back to this one. */
function turn(next) {
  cancelAnimationFrame(frame);
  past = [...past, sheet];
  sheet = next;
  fresh();
}

function undo() {
  if (!past.length) return;
  cancelAnimationFrame(frame);
  sheet = past.at(-1);
  past = past.slice(0, -1);
  fresh();
}

function clear() {
  if (sheet !== BLANK) turn(BLANK);
}

/** Show a sheet that has just come on top, and read it from the start. */
function fresh() {
  readings.forget();
  draw();
  const { strokes, picture } = sheet;
  byId("picture").hidden = !picture?.url;
  if (picture?.url) byId("picture").src = picture.url;
  byId("frame").style.setProperty("--ratio", picture?.url ? picture.width / picture.height : 1);
  byId("frame").classList.toggle("tiny", Math.max(picture?.width, picture?.height) < 160);
  byId("undo").setAttribute("aria-disabled", !past.length);
  byId("clear").setAttribute("aria-disabled", sheet === BLANK);
  byId("sheet").dataset.holds = picture ? "picture" : strokes.length ? "ink" : "nothing";
  if (picture) {
    showWaiting();
    readings.ask((signal) => read(picture.blob, signal), (found) => showReading(found, picture), failed);
  } else if (strokes.length) readInk();
  else showNothing();
}

function readInk() {
  const { strokes } = sheet;
  let pixels;
  readings.ask(
    (signal) => read(bitmap((pixels = raster(strokes))), signal),
    (found) => showReading(found, pixels),
    failed,
  );
}

function failed(error) {
  if (!(error instanceof ReaderError)) throw error;
  showError(error.message);
}

const pen = {
  begin(point) {
    live = [point];
    turn({ strokes: [...sheet.strokes, live], picture: null });
  },
  extend(points) {
    if (sheet.strokes.at(-1) !== live) return; // undone while it was written
    live.push(...points);
    draw();
    readInk();
  },
};

/** Write strokes as a hand would, on a new sheet; at once for those who want nothing to move. */
function write(strokes) {
  const begun = performance.now();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const at = (now) => ({ strokes: firstOf(strokes, calm ? 1 : (now - begun) / WRITING), picture: null });
  const step = (now) => {
    sheet = at(now);
    draw();
    readInk();
    if (now - begun < WRITING && !calm) frame = requestAnimationFrame(step);
  };
  turn(at(begun));
  if (!calm) frame = requestAnimationFrame(step);
}

async function takePicture(file) {
  const picture = await prepare(file);
  turn({ strokes: [], picture });
}

function draw() {
  const size = canvas.clientWidth * devicePixelRatio;
  if (canvas.width !== Math.round(size)) canvas.width = canvas.height = Math.round(size);
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  paint(context, sheet.strokes, canvas.width, getComputedStyle(canvas).color);
}

watchPointer(canvas, pen);
watchKeys(canvas, byId("nib"), { ...pen, undo, clear });
watchPictures([byId("file"), byId("camera")], takePicture);
offerSamples(byId("samples"), write);
byId("undo").addEventListener("click", undo);
byId("clear").addEventListener("click", clear);
addEventListener("keydown", (event) => {
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
  event.preventDefault();
  undo();
});
new ResizeObserver(draw).observe(canvas);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
about().then((text) => (byId("about").textContent = text), () => {});
fresh();
