"""Numbers as a person would write them, for the page and the figures."""

_COUNTS = (
    "zero", "one", "two", "three", "four", "five", "six",
    "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
NO_BREAK = "\N{NO-BREAK SPACE}"


def percent(share: float, decimals: int = 2) -> str:
    """Write 0.9917 as ``99.17 %``; what only rounds to 0 or 100 is ``< 0.01 %``, ``> 99.99 %``."""
    step = 10.0**-decimals
    shown = round(100 * share, decimals)
    if shown >= 100 and share < 1:
        return f"> {100 - step:.{decimals}f}{NO_BREAK}%".replace(" ", NO_BREAK)
    if shown <= 0 and share > 0:
        return f"< {step:.{decimals}f}{NO_BREAK}%".replace(" ", NO_BREAK)
    return f"{100 * share:.{decimals}f}{NO_BREAK}%"


def span(interval: tuple[float, float], decimals: int = 2) -> str:
    """Write (0.9895, 0.9934) as ``98.95–99.34 %``."""
    low, high = (f"{100 * end:.{decimals}f}" for end in interval)
    return f"{low}–{high}{NO_BREAK}%"


def number(count: int) -> str:
    """Spell counts up to twelve; write others with thousands apart: ``8,330``."""
    return _COUNTS[count] if 0 <= count < len(_COUNTS) else f"{count:,}"


def times(count: int) -> str:
    """Say how often: once, twice, three times, 14 times."""
    return {1: "once", 2: "twice"}.get(count, f"{number(count)} times")


def plural(count: int, noun: str) -> str:
    """Write ``1 image``, ``2 images``, ``8,400 images``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def listing(parts: list[str]) -> str:
    """Join ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
