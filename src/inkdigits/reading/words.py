"""Words among the numbers: what is written close together, much of it like no digit, is letters.

Letters are taken for digits that touch, and cut up; most of their stems are then sure 1s, as an I
or l is, and an o is a 0. What betrays them are the other letters of their word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inkdigits.reading.grouping import Group, Row
from inkdigits.reading.pieces import Piece

SPACE = 0.6  # digit's heights between two words
SURE, ODD = 0.9, 0.5  # a digit's probability: above the one it is one, below the other none
WIDEST = 1.3  # of its own height, a letter that was cut up; if wider, it may be digits that touch
LOWEST = 0.4  # digit's heights; what is lower and was left out is dirt
FEWEST, SHARE = 2, 0.4  # of a word's characters that are not sure digits, at least

Part = tuple[int, int]
"""The first and last part of a line that a character takes up."""


def find_letters(row: Row, groups: Sequence[Group], sure: Mapping[Group, float]) -> list[Part]:
    """Return which parts of a line make up the characters of words that are no numbers.

    ``groups``: what the line is best read as; ``sure``: how likely the likeliest digit of each is.
    """
    letters: list[Part] = []
    for word in _words(row, _characters(row, groups)):
        likely = [some for each in word if (some := each.likely(sure)) is not None]
        unsure = [some for some in likely if some < SURE]
        if len(unsure) >= max(FEWEST, SHARE * len(likely)) and min(unsure) < ODD:
            letters += [(each.first, each.last) for each in word]
    return letters


@dataclass(frozen=True)
class _Character:
    """Parts ``first`` to ``last`` of a line and the groups, if any, that they were read as."""

    row: Row
    first: int
    last: int
    groups: tuple[Group, ...]

    @property
    def left(self) -> int:
        return min(part.left for part in self._parts)

    @property
    def right(self) -> int:
        return max(part.right for part in self._parts)

    @property
    def height(self) -> int:
        return max(p.bottom for p in self._parts) - min(p.top for p in self._parts)

    def likely(self, sure: Mapping[Group, float]) -> float | None:
        """Tell how likely it is a digit; None of what may be digits that touch."""
        if len(self.groups) == 1:
            return sure[self.groups[0]]
        cut_up = bool(self.groups)
        return None if cut_up and self.right - self.left > WIDEST * self.height else 0.0

    @property
    def _parts(self) -> Sequence[Piece]:
        return self.row.parts[self.first : self.last + 1]


def _characters(row: Row, groups: Sequence[Group]) -> list[_Character]:
    """Put together again what was cut out of one piece, and leave out the dirt."""
    characters: list[_Character] = []
    starts = {group.first: group for group in groups}
    first = 0
    while first < len(row.parts):
        last, inside = first, []
        while True:  # to the end of the piece, or of a group of several
            if group := starts.get(last):
                inside.append(group)
                last = group.last
            if last + 1 == len(row.parts) or row.cuts[last] is None:
                break
            last += 1
        character = _Character(row, first, last, tuple(inside))
        if inside or character.height >= LOWEST * row.height:
            characters.append(character)
        first = last + 1
    return characters


def _words(row: Row, characters: Sequence[_Character]) -> list[list[_Character]]:
    words: list[list[_Character]] = []
    end = 0
    for character in characters:
        if words and character.left - end <= SPACE * row.height:
            words[-1].append(character)
            end = max(end, character.right)
        else:
            words.append([character])
            end = character.right
    return words
