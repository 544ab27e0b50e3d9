"""A reading in words, for a terminal."""

from collections import Counter

from inkdigits.reading.readings import Reading


def reading_text(reading: Reading, *, name: bool) -> str:
    """Return the lines' texts, then the reasons for what was refused; under the name if asked."""
    lines = [f"{reading.image}:"] if name else []
    if reading.refused is not None and not any(c.isdigit() for c in reading.text):
        return "\n".join([*lines, f"? ({reading.refused})"])
    for line in reading.lines:
        counts = Counter(digit.refused for digit in line.digits if digit.refused is not None)
        reasons = [f"{n} times {reason}" if n > 1 else reason for reason, n in counts.items()]
        lines.append(line.text + (f"   ({'; '.join(reasons)})" if reasons else ""))
    if reading.refused is not None:
        lines.append(f"refused ({reading.refused})")
    return "\n".join(lines)
