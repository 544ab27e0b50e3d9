// Hands on the sheet: a finger, pen or mouse, or the arrow keys. Each ends up as the same two
// calls: begin(point), extend(points).

import { PEN } from "./ink.js";

const STEP = 0.025; // of the sheet, for each press of an arrow key
const PACE = 0.55; // sheets per second while it is held
const HELD = 180; // milliseconds after which a press counts as held

/** Write with whatever points: one finger, pen or mouse at a time, with its pressure if it has any. */
export function watchPointer(canvas, { begin, extend }) {
  let active = null;
  let last = null;

  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    const y = (event.clientY - box.top) / box.height;
    const previous = last ?? { x, y, width: PEN, time: event.timeStamp };
    let width = PEN * (0.6 + 0.8 * event.pressure);
    if (event.pointerType !== "pen") {
      // Without pressure, a quick stroke is a little thinner, as with real ink.
      const time = Math.max(1, event.timeStamp - previous.time);
      const speed = Math.hypot(x - previous.x, y - previous.y) / time;
      width = PEN * Math.max(0.75, 1.1 - 90 * speed * PEN);
    }
    width = 0.8 * previous.width + 0.2 * width;
    last = { x, y, width, time: event.timeStamp };
    return { x, y, width };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (active !== null || event.button !== 0) return;
    active = event.pointerId;
    last = null;
    canvas.setPointerCapture(active);
    begin(point(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== active) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    extend((moves.length ? moves : [event]).map(point));
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      if (event.pointerId === active) active = null;
    });
  }
}

/** Write with the arrow keys; two at once go aslant. The nib shows where the pen is. */
export function watchKeys(canvas, nib, { begin, extend, undo, clear }) {
  const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const held = new Map(); // key → when it was pressed
  let x = 0.5;
  let y = 0.5;
  let down = false;
  let ticked = null;

  const show = () => {
    nib.style.setProperty("--x", x);
    nib.style.setProperty("--y", y);
    nib.dataset.down = down;
  };
  const put = (now) => {
    down = now;
    if (down) begin({ x, y, width: PEN });
    show();
  };
  const move = (keys, far) => {
    const [dx, dy] = keys.reduce(([a, b], key) => [a + directions[key][0], b + directions[key][1]], [0, 0]);
    const length = Math.hypot(dx, dy) || 1;
    x = Math.min(1, Math.max(0, x + (far * dx) / length));
    y = Math.min(1, Math.max(0, y + (far * dy) / length));
    if (down) extend([{ x, y, width: PEN }]);
    show();
  };
  const tick = (now) => {
    const keys = [...held.keys()];
    if (!keys.length) return (ticked = null);
    if (keys.some((key) => now - held.get(key) > HELD)) move(keys, (PACE * Math.min(50, now - ticked)) / 1000);
    ticked = now;
    requestAnimationFrame(tick);
  };

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in directions) {
      if (!event.repeat) {
        held.set(event.key, performance.now());
        move([event.key], STEP);
        if (ticked === null) requestAnimationFrame(tick), (ticked = performance.now());
      }
    } else if (event.key === " " || event.key === "Enter") {
      if (!event.repeat) put(!down);
    } else if (event.key === "Backspace") {
      if (down) put(false);
      undo();
    } else if (event.key === "Delete") {
      if (down) put(false);
      clear();
    } else return;
    event.preventDefault();
  });
  canvas.addEventListener("keyup", (event) => held.delete(event.key));
  canvas.addEventListener("blur", () => {
    held.clear();
    if (down) put(false);
    nib.hidden = true;
  });
  canvas.addEventListener("focus", () => {
    nib.hidden = !canvas.matches(":focus-visible");
    show();
  });
  canvas.addEventListener("pointerdown", () => {
    down = false;
    nib.hidden = true;
  });
  canvas.addEventListener("keydown", () => (nib.hidden = false));
}
