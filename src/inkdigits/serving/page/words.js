// What the page says, in plain words.

const REFUSALS = {
  blank: ["There is nothing to read.", "Write with a dark pen on light paper, or light on dark, and come close."],
  "not a digit": ["This does not look like a digit.", "Write one of 0 to 9, upright, large and in one piece."],
  unsure: ["This could be more than one digit.", "Write it larger, close its loops and leave nothing half drawn."],
  "several digits": ["There is more than one digit.", "Show one digit at a time, with some space around it."],
};

/** A probability in percent; never 100, since nothing is that sure. */
export function percent(share) {
  if (share > 0.999) return "more than 99.9 %";
  return `${(100 * share).toFixed(share > 0.99 || share < 0.01 ? 1 : 0)} %`;
}

/** Why something was refused and what would help, as two sentences, from `kind: explanation`. */
export function refusal(reason, probabilities) {
  const [kind, ...rest] = reason.split(": ");
  let [why, help] = REFUSALS[kind] ?? [`Not read: ${rest.join(": ") || kind}.`, "Write it anew, larger and clearer."];
  if (kind === "unsure" && probabilities) why = `It could be ${likeliest(probabilities)}.`;
  return { why, help };
}

/** One digit, as told below its numeral. */
export function told(digit) {
  return digit.refused ? refusal(digit.refused, digit.probabilities).why : `${percent(digit.probability)} sure`;
}

/** A whole reading in one sentence, for those who listen to the page. */
export function announcement({ lines, refused }) {
  const digits = lines.flatMap((line) => line.digits);
  if (refused || !digits.length) {
    const { why, help } = refusal(refused ?? "blank");
    return `Not read. ${why} ${help}`;
  }
  if (digits.length === 1) {
    const [digit] = digits;
    if (!digit.refused) return `Read ${digit.digit}, ${told(digit)}.`;
    const { why, help } = refusal(digit.refused, digit.probabilities);
    return `Not read. ${why} ${help}`;
  }
  const texts = lines.map((line) => line.text.replaceAll("?", " unsure ").split("").join(" ").replace(/\s+/g, " "));
  return `Read ${lines.length > 1 ? `${lines.length} lines: ` : ""}${texts.join("; ")}.`;
}

function likeliest(probabilities) {
  const order = probabilities.map((share, digit) => [share, digit]).sort((a, b) => b[0] - a[0]);
  const [[, first], [, second]] = order;
  return `${article(first)} or ${article(second)}`;
}

function article(digit) {
  return digit === 8 ? "an 8" : `a ${digit}`;
}
