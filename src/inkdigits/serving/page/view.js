// Shows a reading: its digits line by line, and of the chosen one the chances and what was seen.

import { announcement, percent, refusal, told } from "./words.js";

const byId = (id) => document.getElementById(id);
const panel = byId("reading");
const seen = byId("seen").getContext("2d");
const bars = Array.from({ length: 10 }, (_, digit) => {
  const bar = document.createElement("li");
  bar.innerHTML = `<span class="share"></span><span class="bar"><span></span></span><span class="digit">${digit}</span>`;
  byId("bars").append(bar);
  return bar;
});

let digits = []; // of all lines, in order
let chosen = 0;
let drawn = null; // what the row of digits shows now, to leave it alone while that stays the same
let announcing = null;

/** Show that there is nothing to read yet. */
export function showNothing() {
  show("empty", [], "What you write is read while you write it.");
}

/** Show that reading takes a moment. */
export function showWaiting() {
  show("waiting", [], "Reading …");
}

/** Show what went wrong, in words. */
export function showError(message) {
  show("error", [], message);
  announce(message);
}

/** Show a reading of a picture `width` pixels wide and `height` high; with boxes if it is large. */
export function showReading(reading, { width, height }) {
  const found = reading.lines.flatMap((line) => line.digits);
  if (reading.refused && !found.some((digit) => !digit.refused)) {
    const { why, help } = refusal(reading.refused, found[0]?.probabilities);
    show("refused", reading.lines, why, help);
  } else if (!found.length) {
    const { why, help } = refusal("blank");
    show("refused", [], why, help);
  } else show("read", reading.lines);
  drawBoxes(found, width, height);
  announce(announcement(reading));
}

function show(state, lines, text = "", help = "") {
  panel.dataset.state = state;
  digits = lines.flatMap((line) => line.digits);
  const key = lines.map((line) => line.text).join("\n");
  if (key !== drawn) {
    drawn = key;
    chosen = Math.max(0, digits.length - 1); // the one last written
    if (lines.length > 1 || digits.length > 12) chosen = 0;
    drawDigits(lines);
  }
  byId("told").textContent = text;
  byId("help").textContent = help;
  drawBoxes([], 1, 1);
  choose(chosen, Boolean(text));
}

function choose(index, said) {
  chosen = index;
  const digit = digits[index];
  for (const [i, radio] of byId("digits").querySelectorAll("[role=radio]").entries()) {
    radio.setAttribute("aria-checked", i === index);
    radio.tabIndex = i === index ? 0 : -1;
  }
  for (const [i, box] of [...byId("boxes").children].entries()) box.classList.toggle("chosen", i === index);
  if (digit && !said) {
    byId("told").textContent = told(digit);
    byId("help").textContent = digit.refused ? refusal(digit.refused, digit.probabilities).help : "";
  }
  drawChances(digit);
  drawSeen(digit);
}

function drawDigits(lines) {
  const place = byId("digits");
  const longest = Math.max(1, ...lines.map((line) => line.digits.length));
  place.style.setProperty("--longest", longest);
  place.style.setProperty("--lines", Math.max(1, lines.length));
  const single = digits.length === 1;
  if (single) place.removeAttribute("role");
  else place.setAttribute("role", "radiogroup");
  place.setAttribute("aria-label", "Digits read");
  let count = 0;
  place.replaceChildren(
    ...lines.map((line) => {
      const row = document.createElement("div");
      row.className = "line";
      row.append(...line.digits.map((digit) => (single ? numeral("span", digit) : radio(digit, count++))));
      return row;
    }),
  );
}

function numeral(kind, digit) {
  const element = document.createElement(kind);
  element.className = "numeral";
  element.textContent = digit.digit ?? "?";
  return element;
}

function radio(digit, index) {
  const button = numeral("button", digit);
  button.type = "button";
  button.setAttribute("role", "radio");
  button.setAttribute("aria-label", `${digit.digit ?? "not read"}, ${told(digit)}`);
  button.addEventListener("click", () => choose(index));
  button.addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    choose((index + way + digits.length) % digits.length);
    byId("digits").querySelectorAll("[role=radio]")[chosen].focus();
  });
  return button;
}

function drawChances(digit) {
  const most = digit ? digit.probabilities.indexOf(Math.max(...digit.probabilities)) : -1;
  bars.forEach((bar, i) => {
    const share = digit?.probabilities[i] ?? 0;
    bar.style.setProperty("--share", share);
    bar.classList.toggle("most", i === most);
    bar.querySelector(".share").textContent = share >= 0.005 ? share > 0.995 ? ">99" : Math.round(100 * share) : "";
  });
}

function drawSeen(digit) {
  const what = digit ? `here of a ${digit.digit ?? "shape not read"}` : "nothing yet";
  seen.canvas.setAttribute("aria-label", `The picture of 28 by 28 pixels that the network sees: ${what}`);
  seen.clearRect(0, 0, 28, 28);
  if (!digit) return;
  const ink = digit.ink.flat();
  const image = seen.createImageData(28, 28);
  for (let i = 0; i < 784; i++) {
    image.data.set([ink[i], ink[i], ink[i], 255], 4 * i);
  }
  seen.putImageData(image, 0, 0);
}

function drawBoxes(found, width, height) {
  byId("boxes").replaceChildren(
    ...found.map((digit, index) => {
      const box = document.createElement("div");
      const [x, y, w, h] = digit.box;
      const sides = { "--x": x / width, "--y": y / height, "--w": w / width, "--h": h / height };
      for (const [name, value] of Object.entries(sides)) box.style.setProperty(name, value);
      box.dataset.digit = digit.digit ?? "?";
      box.classList.toggle("chosen", index === chosen);
      box.addEventListener("click", () => choose(index));
      return box;
    }),
  );
}

/** Say it to a screen reader once it has stayed the same for a moment. */
function announce(text) {
  clearTimeout(announcing);
  announcing = setTimeout(() => (byId("announcer").textContent = text), 700);
}
