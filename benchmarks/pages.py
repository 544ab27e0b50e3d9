"""Reading photographed pages: how many lines come out exactly right, and what breaks first.

The pages are drawn by paper.py, with known truth. Prints tables in Markdown:

    python benchmarks/pages.py --pages 40
    python benchmarks/pages.py --pages 20 --ablation
    python benchmarks/pages.py --time
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from paper import Page, Scene, draw_page

from inkdigits.reading import Reader, Reading

SCENES = {
    "easy: plain paper, even light": Scene(
        light=0.1, shadow=0, crease=0, specks=0, rotation=0, perspective=0, desk=False, noise=1.5,
        jpeg=92, slope=0.5,
    ),
    "normal, plain paper": Scene(),
    "normal, ruled": Scene(ruling="ruled"),
    "normal, squared": Scene(ruling="squared"),
    "normal, strokes": Scene(hand="pen"),
    "normal, strokes, ruled": Scene(hand="pen", ruling="ruled"),
    "normal, strokes, squared": Scene(hand="pen", ruling="squared"),
    "lines as dark as the ink": Scene(ruling="printed"),
    "faint pencil": Scene(ink=0.3, noise=2),
    "small digits": Scene(height=0.025, lines=8, digits=14),
    "a fifth of the digits touch": Scene(touching=0.2),
    "a tenth are letters": Scene(letters=0.1),
    "a printed word before each number": Scene(word=True),
    "a printed box around each digit": Scene(cells="boxes"),
    "a printed comb": Scene(cells="comb"),
    "hard": Scene(
        ruling="squared", shadow=0.55, light=0.5, rotation=6, perspective=0.08, blur=0.035, noise=8,
        jpeg=50, crease=0.25, specks=40, slope=4, gap=0.2, touching=0.05,
    ),
}  # fmt: skip

# One distortion at a time, on plain paper in even light.
ABLATION = {
    "ink": (0.5, 0.3, 0.2, 0.14, 0.1),
    "shadow": (0.3, 0.5, 0.7, 0.8, 0.9),
    "light": (0.3, 0.5, 0.7, 0.8, 0.9),
    "blur": (0.02, 0.04, 0.07, 0.1, 0.14),
    "noise": (4, 8, 16, 24, 32),
    "jpeg": (70, 50, 30, 15, 8),
    "perspective": (0.04, 0.08, 0.12, 0.16, 0.2),
    "rotation": (3, 6, 10, 15, 20),
    "slope": (2, 4, 7, 10, 14),
    "crease": (0.1, 0.2, 0.3, 0.5, 0.7),
    "specks": (10, 30, 100, 300, 1000),
    "height": (0.04, 0.025, 0.018, 0.014, 0.01),
    "size_spread": (0.1, 0.15, 0.2, 0.3, 0.4),
    "gap": (0.3, 0.2, 0.12, 0.06, 0.02),
    "touching": (0.1, 0.2, 0.4, 0.7, 1.0),
}


@dataclass
class Score:
    """Counts over pages: lines, those read exactly, those with each digit found and no other."""

    lines: int = 0
    exact: int = 0
    found: int = 0
    digits: int = 0
    refused: int = 0
    wrong: int = 0  # missed, or answered with another digit
    extra: int = 0  # digits where there are none
    letters: int = 0
    answered: int = 0  # letters, as if they were digits

    def row(self) -> list[str]:
        return [
            f"{self.exact / self.lines:.1%}",
            f"{self.found / self.lines:.1%}",
            f"{self.wrong} / {self.digits}",
            str(self.refused),
            str(self.extra),
            f"{self.answered} / {self.letters}" if self.letters else "",
        ]


def judge(page: Page, reading: Reading, score: Score) -> list[str]:
    """Add a page to ``score``; return its wrong lines in words."""
    spots = [
        (number, line.text[place], np.array(digit.box, float))
        for number, line in enumerate(reading.lines)
        for place, digit in enumerate(line.digits)
    ]
    corners = np.array([[*box[:2], *(box[:2] + box[2:])] for _, _, box in spots]).reshape(-1, 4)
    used: set[int] = set()
    wrong = []
    order = []
    for text, boxes in zip(page.texts, page.boxes, strict=True):
        mine = [_matching(np.array(box), corners) for box in boxes]
        numbers = [spots[m][0] for m in mine if m is not None]
        line = statistics.mode(numbers) if numbers else None
        order.append(line)
        got = reading.lines[line].text if line is not None else ""
        all_found = len(set(mine)) == len(boxes) == len(got) and None not in mine
        used.update(n for n, spot in enumerate(spots) if spot[0] == line)
        score.lines += 1
        score.exact += got == text
        score.found += all_found
        for m, truth in zip(mine, text, strict=True):
            read = spots[m][1] if m is not None else None
            if truth == "?":
                score.letters += 1
                score.answered += read not in (None, "?")
            else:
                score.digits += 1
                score.refused += read == "?"
                score.wrong += read not in (truth, "?")
        if got != text:
            wrong.append(f"{text} read as {got}{'' if all_found else ', boxes wrong'}")
    score.extra += len(spots) - len(used)
    if [n for n in order if n is not None] != sorted(n for n in order if n is not None):
        wrong.append("lines out of order")
    return wrong


def _matching(box: np.ndarray, corners: np.ndarray) -> int | None:
    """Return which of ``corners`` overlaps ``box`` by half of their union, None if none does."""
    if not len(corners):
        return None
    low, high = np.maximum(box[:2], corners[:, :2]), np.minimum(box[2:], corners[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (corners[:, 2:] - corners[:, :2]).prod(axis=1) - shared
    best = int((shared / union).argmax())
    return best if shared[best] / union[best] > 0.4 else None


def measure(reader: Reader, scene: Scene, pages: int, *, tell: bool = False) -> Score:
    score = Score()
    for seed in range(pages):
        page = draw_page(scene, seed)
        for line in judge(page, reader.read(page.jpeg), score):
            if tell:
                print(f"  page {seed}: {line}")
    return score


def time_large(reader: Reader) -> None:
    """Seconds for a photo of 12 megapixels, from the file on disk."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("normal, plain paper", "normal, squared", "hard"):
            path = Path(folder) / "photo.jpg"
            path.write_bytes(draw_page(replace(SCENES[name], width=4032, lines=6), 1).jpeg)
            took = []
            for _ in range(7):
                start = time.perf_counter()
                reading = reader.read(path)
                took.append(time.perf_counter() - start)
            count = sum(len(line.digits) for line in reading.lines)
            print(f"| {name} | {count} | {statistics.median(took):.2f} | {max(took):.2f} |")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--reader", help="default: the one that ships")
    words.add_argument("--pages", type=int, default=40)
    words.add_argument("--only", default="", help="scenes whose name holds this")
    words.add_argument("--ablation", action="store_true")
    words.add_argument("--time", action="store_true")
    words.add_argument("--tell", action="store_true", help="print each wrong line")
    options = words.parse_args()
    reader = Reader(options.reader) if options.reader else Reader()
    if options.time:
        print(f"{os.cpu_count()} cores\n\n| 12 megapixels | digits | s, median | s, worst |")
        print("|---|---|---|---|")
        return time_large(reader)
    if options.ablation:
        base = SCENES["easy: plain paper, even light"]
        print("| distortion | lines exactly right as it grows |\n|---|---|")
        for name, values in ABLATION.items():
            if options.only in name:
                cells = []
                for value in values:
                    scene = replace(base, **{name: value})
                    if name == "height":
                        scene = replace(scene, digits=12)
                    cells.append(f"{value}: {measure(reader, scene, options.pages).row()[0]}")
                print(f"| {name} | {' · '.join(cells)} |", flush=True)
        return None
    print(f"{options.pages} pages of each\n")
    print(
        "| pages | lines exactly right | boxes right | digits wrong | refused | false digits "
        "| letters answered |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, scene in SCENES.items():
        if options.only in name:
            score = measure(reader, scene, options.pages, tell=options.tell)
            print(f"| {name} | {' | '.join(score.row())} |", flush=True)
    return None


if __name__ == "__main__":
    main()
