// When not to answer, as reading/refusing.py tells, for a picture of one line and no words.

const NEIGHBOURS = 2; // sure digits, at least, that make a line one of digits, and half of the line
const [LIKELIER, DOUBTS] = [0.5, 0.08]; // there: the likeliest digit, at least; that it is none, at most
const LEARNT = 0.2; // for each digit that the network learnt from: images of none
const [SEEN, NONE, RAREST] = [10, 1, 0.02]; // beforehand; and none among others, at least
const FEW = 3; // digits that a doubtful one looks like

/** Why each of a line's digits, by its ten probabilities, gets no answer, or null. */
export function refusals(line, threshold) {
  const sure = line.filter((shares) => Math.max(...shares) >= threshold).length;
  const amongDigits = sure >= Math.max(NEIGHBOURS, line.length / 2);
  const odd = line.map(oddness);
  const none = odd.reduce((sum, share) => sum + share, NONE);
  return line.map((shares, i) => {
    const others = (none - odd[i]) / (SEEN + line.length - 1);
    return amongDigits && isDigit(shares, odd[i], others) ? null : refusal(shares, threshold);
  });
}

/** The digits, from the likeliest on. */
export function ranked(shares) {
  return shares.map((_, digit) => digit).sort((a, b) => shares[b] - shares[a]);
}

/** How likely it is no digit: what is none is each digit alike, so the least likely ones tell. */
function oddness(shares) {
  const least = ranked(shares).slice(FEW);
  return Math.min(1, (shares.length * least.reduce((sum, digit) => sum + shares[digit], 0)) / least.length);
}

/** Whether it is likely enough one digit where that share of the others are none. */
function isDigit(shares, odd, none) {
  if (odd >= 1) return false;
  const share = Math.max(RAREST, none);
  const odds = ((odd / (1 - odd)) * share) / (1 - share) / LEARNT;
  const likeliest = (Math.max(...shares) - odd / shares.length) / (1 - odd);
  return odds / (1 + odds) <= DOUBTS && likeliest >= LIKELIER;
}

function refusal(shares, threshold) {
  const [first, second] = ranked(shares);
  if (shares[first] >= threshold) return null;
  const [best, next] = [first, second].map((digit) => `${digit} (${Math.round(100 * shares[digit])}%)`);
  if (shares[first] + shares[second] >= threshold || shares[first] >= 0.5) return `unsure: it may be ${best} or ${next}`;
  return `not a digit: it looks most like ${best}`;
}
