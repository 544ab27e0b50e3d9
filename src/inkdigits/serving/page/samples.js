// Ten digits in one hand, each a path on a square of 100, for those who have no pen at hand.

import { PEN } from "./ink.js";

const PATHS = [
  "M52 14C32 14 25 36 26 54C27 74 38 88 51 87C67 86 75 68 74 48C73 28 64 14 50 15",
  "M53 14L50 87",
  "M29 33C29 18 41 13 50 13C63 13 71 22 70 33C69 50 45 66 28 84C42 82 58 82 74 85",
  "M31 20C42 12 66 12 66 29C66 42 52 47 43 48C58 47 72 54 71 68C70 84 48 92 28 80",
  "M57 13C48 31 38 47 27 59L76 58M62 38L59 88",
  "M39 15C38 27 36 38 34 46C47 39 70 43 70 63C70 84 46 93 28 80M39 15L70 14",
  "M62 13C44 22 30 44 30 64C30 80 40 88 51 87C63 86 71 78 70 67C69 54 56 49 46 53C38 56 32 63 31 70",
  "M27 17C40 19 56 18 73 16C62 36 50 60 45 88",
  "M66 25C60 12 36 11 35 27C34 42 68 50 69 69C70 86 48 91 38 84C26 76 32 60 46 51C58 44 68 36 66 25",
  "M69 31C66 17 54 12 44 15C32 19 28 33 33 43C39 53 60 52 67 40C70 34 69 31 69 31C69 50 66 70 58 88",
];
const SPACING = 2; // between the points of a stroke, on that square

/** The strokes of a digit, each a list of points. */
export function strokesOf(digit) {
  return PATHS[digit].split(/(?=M)/).map((part) => {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", part);
    const length = path.getTotalLength();
    const steps = Math.ceil(length / SPACING);
    return Array.from({ length: steps + 1 }, (_, i) => {
      const { x, y } = path.getPointAtLength((length * i) / steps);
      return { x: 0.1 + 0.008 * x, y: 0.1 + 0.008 * y, width: PEN };
    });
  });
}

/** The part of strokes that is written when `share` of the way is done; at least a point of it. */
export function firstOf(strokes, share) {
  const total = strokes.reduce((sum, points) => sum + points.length, 0);
  let left = Math.max(1, Math.round(Math.min(1, share) * total));
  const parts = strokes.map((points) => {
    const part = points.slice(0, left);
    left -= part.length;
    return part;
  });
  return parts.filter((part) => part.length);
}

/** Fill `place` with a button for each digit; each calls write(strokes). */
export function offerSamples(place, write) {
  PATHS.forEach((path, digit) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", `Write a ${digit}`);
    button.innerHTML = `<svg viewBox="10 0 80 100" aria-hidden="true"><path d="${path}"/></svg>`;
    button.addEventListener("click", () => write(strokesOf(digit)));
    place.append(button);
  });
}
