"""A page of HTML that stands alone: text, tables and pictures in one file, dark and light.

The pieces below take plain text and escape it; only what they return is ``Html``, so mypy sees to
it that nothing reaches the page unescaped. The page fetches nothing, and forbids it too.
"""

import base64
import struct
from collections.abc import Mapping, Sequence
from html import escape
from typing import NewType

Html = NewType("Html", str)
Section = tuple[str, Sequence[Html]]

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="lead">{lead}</p>
</header>
<main>
{sections}
</main>
</body>
</html>
"""

# The colours are those of evaluation.style, so that figures lie on the page without an edge.
_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1c2024; --quiet: #5f6670;
  --faint: #d5d9df; --focus: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181c; --ink: #e8eaed; --quiet: #a0a7b1; --faint: #3d444d;
    --focus: #56b4e9; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 3.5rem 1.25rem 5rem; max-width: 42.5rem; background: var(--paper);
  color: var(--ink); font: 1.0625rem/1.6 Charter, "Bitstream Charter", "Sitka Text", Cambria,
  Georgia, serif; overflow-wrap: break-word; -webkit-text-size-adjust: 100%; }
h1 { margin: 0; font-size: 1.15rem; font-weight: 400; line-height: 1.3; color: var(--quiet); }
.lead { margin: .6rem 0 0; font-size: clamp(1.5rem, 1.15rem + 1.7vw, 2rem); line-height: 1.3;
  text-wrap: balance; }
section { margin-top: 3.5rem; }
h2 { margin: 0 0 .7rem; font-size: 1.35rem; line-height: 1.3; }
p { margin: 0 0 1rem; }
figure { margin: 1.6rem 0; }
img { display: block; max-width: 100%; height: auto; }
figcaption { color: var(--quiet); font-size: .92rem; line-height: 1.5; margin: .6rem 0; }
.wide { overflow-x: auto; min-width: 100%; width: fit-content;
  max-width: max(100%, min(50vw + 19rem, 100vw - 2.5rem)); }
.wide:focus-visible { outline: 2px solid var(--focus); outline-offset: 4px; }
table { border-collapse: collapse; width: 100%; font-size: .95rem;
  font-variant-numeric: tabular-nums lining-nums; }
th, td { padding: .34rem 0 .34rem .9rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--faint); }
th { font-weight: 400; color: var(--quiet); }
tbody th { color: var(--ink); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
dl { display: grid; grid-template-columns: fit-content(40%) minmax(0, 1fr);
  gap: .3rem 1.5rem; margin: 0 0 1rem; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 30rem) {
  body { padding: 2rem 1rem 4rem; }
  table { font-size: .9rem; }
  th, td { padding-left: .55rem; }
}
@media print { body { max-width: none; } section, figure { break-inside: avoid; } }
"""


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """Assemble the page: a title, one sentence that says it all, and sections with headings."""
    body = "\n".join(
        "\n".join(["<section>", f"<h2>{_text(heading)}</h2>", *blocks, "</section>"])
        for heading, blocks in sections
    )
    return _PAGE.format(title=_text(title), lead=_text(lead), sections=body, style=_STYLE)


def paragraph(words: str) -> Html:
    """Set a paragraph of plain text."""
    return Html(f"<p>{_text(words)}</p>")


def picture(light: bytes, dark: bytes, alt: str, caption: str) -> Html:
    """Show a PNG figure, in its light or dark form as the reader's screen asks, with its caption.

    ``alt`` tells those who cannot see the picture what it shows. It is laid out at half its pixels.
    """
    width, height = struct.unpack(">II", light[16:24])  # the first chunk of any PNG
    return Html(
        "<figure><picture>"
        f'<source media="(prefers-color-scheme: dark)" srcset="{_inline(dark)}">'
        f'<img src="{_inline(light)}" width="{width // 2}" height="{height // 2}"'
        f' alt="{_text(alt)}"></picture>'
        f"<figcaption>{_text(caption)}</figcaption></figure>"
    )


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    """Lay out a table: the first column names the rows, the others are numbers, set right."""
    top = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head)
    body = "\n".join(
        f'<tr><th scope="row">{_text(name)}</th>'
        + "".join(f"<td>{_text(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows
    )
    return Html(
        f"<figure><figcaption>{_text(caption)}</figcaption>"
        f'<div class="wide" role="region" tabindex="0" aria-label="{_text(caption)}">'
        f"<table><thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div></figure>"
    )


def definitions(pairs: Mapping[str, str]) -> Html:
    """List names and what they stand for."""
    items = "\n".join(
        f"<dt>{_text(name)}</dt><dd>{_text(meaning)}</dd>" for name, meaning in pairs.items()
    )
    return Html(f"<dl>\n{items}\n</dl>")


def _text(words: str) -> str:
    """Escape ``words``, and keep ranges such as 0.97–0.99 on one line."""
    return escape(words).replace("–", "\N{WORD JOINER}–\N{WORD JOINER}")


def _inline(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
