"""The page that explains a reading: what each layer did to the image, and why the answer."""

import re
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from inkdigits.anatomy import Anatomy, Stage
from inkdigits.evaluation.feature_maps import (
    SHOWN,
    draw_answer,
    draw_input,
    draw_origin,
    draw_stage,
    drawn_stages,
    is_flat,
)
from inkdigits.evaluation.folder import write_folder
from inkdigits.evaluation.page import Html, Section, definitions, page, paragraph, picture, table
from inkdigits.evaluation.poster import draw_poster
from inkdigits.evaluation.style import Theme, both_themes, png
from inkdigits.evaluation.wording import NO_BREAK, listing, percent, plural
from inkdigits.images import SIZE

FILES = ("explanation.png", "index.html")

DOES = {
    "Conv2D": (
        "Each of its {maps:,} filters slides over the maps that came in, multiplies what lies "
        "under it by its weights and adds all up. That draws one new map, high where what came in "
        "looks like the filter."
    ),
    "Cropping2D": "The rows and columns along the edge, where digits hardly reach, are left out.",
    "PartialConvolution": (
        "Each of its {maps} filters slides over some of the maps that came in, not all: so they "
        "cannot all learn the same (table I of the paper)."
    ),
    "MaxPooling2D": (
        "Of the pixels under its window only the largest stays. The maps shrink, and a stroke may "
        "lie a pixel further on without a difference."
    ),
    "FractionalMaxPool": (
        "Of regions of 2 or 3 pixels a side, which overlap, only the largest value stays. The "
        "maps shrink by about √2 instead of 2."
    ),
    "AveragePooling2D": "The pixels under its window give way to their mean. The maps shrink.",
    "SubSampling": (
        "The four pixels under its window are added up, times a trained number, plus another. "
        "The maps shrink."
    ),
    "GlobalAveragePooling2D": (
        "Each map gives way to its mean: what stays is how strongly a feature is there, not where."
    ),
    "BatchNormalization": (
        "Each map is shifted and stretched by what training found its usual mean and spread to "
        "be, so that no map is loud only because of its scale."
    ),
    "LocalResponseNorm": (
        "Each value is divided by how loud the neighbouring maps are at the same place, so that "
        "a loud map quietens those beside it."
    ),
    "Inception": (
        "Filters of 1×1, 3×3 and 5×5 and a pooling look at the same maps side by side; all that "
        "they found is stacked."
    ),
    "Block": (
        "Convolutions, one after the other. In a residual network what came in is added to what "
        "they give, so that they need to learn the difference only."
    ),
    "Dense": (
        "Each of its {maps:,} numbers is a sum of all that came in, each times a weight of its "
        "own. Where on the image something was no longer has a place here."
    ),
}
THEN = {
    "": "",
    "ReLU": " Then ReLU: what is below 0 becomes 0.",
    "Tanh": " Then tanh, which squashes every value into −1 … 1.",
    "squashing": " Then 1.7159·tanh(2x/3), which squashes every value into ±1.72.",
}
LAST = {"Distance": ", here minus the squared distance to a code, the digit drawn in 7×12 pixels"}
RULE = (
    "What follows is arithmetic on these numbers. Wherever a square of side F, a filter or a "
    "pooling window, slides in steps of S over maps of side N with P rows of zeros around them, "
    "it finds (N + 2P − F)/S + 1 places along a side, rounded down. Each stage below shows that "
    "formula with its own numbers."
)
HONESTLY = (
    "What such pictures do not show: reasons. The gradient tells what a faint change of one pixel "
    "would do, with all the others as they are; hiding ink tells nothing of the empty paper, which "
    "may matter as much, and the hole itself can look like part of another digit. Two networks "
    "that read equally well may give quite different pictures. Take them as questions to try out "
    "with a pencil, not as proof."
)


def write_explanation(
    folder: Path, anatomy: Anatomy, *, name: str, truth: int | None = None
) -> Path:
    """Write the page and the poster (``FILES``) into ``folder``; return the page's path.

    ``name`` says which image it is; ``truth`` is its label, where it has one. Raises InkdigitsError
    where the folder cannot be written.
    """
    sections = [_input(anatomy), *_stages(anatomy), _answer(anatomy), _origin(anatomy)]
    sections.append(_layers(anatomy))
    title = f"How {anatomy.model} reads {name}"
    lead = f"Read as {anatomy.digit}, {percent(float(anatomy.probabilities.max()))} sure."
    if truth is not None and truth != anatomy.digit:
        lead += f" Its label says {truth}."
    files = {
        "explanation.png": png(draw_poster(anatomy, lead)),
        "index.html": page(title, lead, sections).encode(errors="replace"),
    }
    write_folder(folder, files, FILES)
    return folder / "index.html"


def _input(anatomy: Anatomy) -> Section:
    caption = "28×28 numbers, 0 for paper to 255 for full ink; the network divides them by 255."
    side = anatomy.stages[0].inputs[0]
    if side > SIZE:
        caption += f" A border of empty paper makes it {side}×{side}."
    alt = f"The image: a handwritten digit, read as {anatomy.digit}."
    return "What it is given", [
        _figure(lambda theme: draw_input(anatomy.image, theme), alt, caption),
        paragraph(_unbroken(RULE)),
    ]


def _stages(anatomy: Anatomy) -> list[Section]:
    sections: list[Section] = []
    for stage, between in drawn_stages(anatomy):
        blocks = []
        if between:
            names = listing([passed.name for passed in between])
            blocks.append(paragraph(f"Before it, on maps as large and not drawn: {names}."))
        does = DOES.get(stage.kind, "").format(maps=stage.shape[-1])
        blocks.append(paragraph(does + THEN.get(stage.activation, "")))
        blocks.append(definitions(_facts(stage)))
        blocks.append(_maps(stage, anatomy if stage is anatomy.filtering else None))
        sections.append((f"{stage.name}: {_what(stage)}", blocks))
    return sections


def _facts(stage: Stage) -> dict[str, str]:
    facts = {}
    for window in dict.fromkeys(stage.windows):
        name = f"{window.kind.capitalize()} {window.side}×{window.side}"
        if name in facts:
            name += f" on {window.size}×{window.size}"
        facts[name] = _unbroken(window.formula)
    if not facts:
        facts["Size"] = stage.formula
    facts["Parameters"] = stage.weights if stage.parameters else "none"
    return facts


def _maps(stage: Stage, with_filters: Anatomy | None) -> Html:
    caption = (
        "Blue is above 0, orange below; all share one scale."
        if (stage.maps < 0).any()
        else "The bluer, the larger; all share one scale."
    )
    if not is_flat(stage):
        count = stage.shape[-1]
        silent = int((stage.maps == 0).all(axis=(0, 1)).sum())
        if count > SHOWN:
            caption = f"The {SHOWN} liveliest of {count} maps, by their numbers. {caption}"
        if silent:
            caption += f" {plural(silent, 'map')} of {count} found nothing at all in this image."
    if with_filters is not None:
        caption = f"Each filter, and below it the map that it draws. {caption}"
        if (with_filters.filters < 0).any():
            caption += " The filters have a scale of their own."
    filters = None if with_filters is None else with_filters.filters
    alt = f"What {stage.name} makes of the image: {_what(stage)}."
    return _figure(lambda theme: draw_stage(stage, theme, filters), alt, caption)


def _answer(anatomy: Anatomy) -> Section:
    last = anatomy.stages[-1]
    digits = anatomy.probabilities.argsort()[::-1]
    first, second = (f"{d} {percent(float(anatomy.probabilities[d]))}" for d in digits[:2])
    words = (
        f"The last layer, {last.name}, gives one number for each digit, its "
        f"logit{LAST.get(last.kind, '')}. Divided by the "
        f"temperature {anatomy.temperature:.3f}, which was fitted on images that the network had "
        "not learnt from, and sent through softmax, eᶻ over the sum of all eᶻ, they become "
        "probabilities, meant to be taken at their word."
    )
    caption = "The probability of each digit, and its logit before temperature and softmax."
    alt = f"Probabilities of the ten digits: {first}, then {second}."
    blocks = [
        paragraph(words),
        definitions(_facts(last)),
        _figure(lambda theme: draw_answer(anatomy, theme), alt, caption),
    ]
    return "Its answer", blocks


def _origin(anatomy: Anatomy) -> Section:
    occlusion, digit = anatomy.occlusion, anatomy.digit
    words = (
        f"Two ways to ask. The gradient: how fast would the logit of {digit} rise if a pixel had a "
        f"little more ink? Occlusion: how far does the probability of {digit} fall while a square "
        f"of {occlusion.side}×{occlusion.side} pixels is hidden as if the paper were empty there?"
    )
    least = 100 * float(occlusion.drop.max())
    read = int(occlusion.probabilities.argmax())
    verdict = f"and it would still read {read}" if read == digit else f"and it would read {read}"
    found = f"Hidden where it hurts most, {digit} loses {least:.3g} percentage points, {verdict}."
    caption = (
        "The outline is where the ink ends. The gradient is the mean over 64 noisy copies of the "
        "image (SmoothGrad, Smilkov et al. 2017), since that of one copy flickers."
    )
    alt = f"Gradient, occlusion, and the image with its most telling square hidden. {found}"
    return "Where the answer came from", [
        paragraph(words),
        _figure(lambda theme: draw_origin(anatomy, theme), alt, caption),
        paragraph(found),
        paragraph(HONESTLY),
    ]


def _layers(anatomy: Anatomy) -> Section:
    rows = [
        [stage.name, _by(stage), f"{stage.parameters:,}", _in_short(stage)]
        for stage in anatomy.stages
    ]
    total = sum(stage.parameters for stage in anatomy.stages)
    caption = f"From the image to the logits, with {total:,} trained parameters."
    head = ["Layer", "Output", "Parameters", "Its size, worked out"]
    return "All layers", [table(caption, head, rows)]


def _in_short(stage: Stage) -> str:
    """Work out the size by the one window that changes it, of a block of several."""
    changing = [window for window in stage.windows if window.places != window.size]
    windows = changing or stage.windows
    return windows[0].arithmetic if windows else stage.formula


def _unbroken(formula: str) -> str:
    """Keep a fraction and what is added to it on one line."""
    return re.sub(
        r"\(N.*S \+ 1|\(\d.*\)/\d \+ 1", lambda found: found[0].replace(" ", NO_BREAK), formula
    )


def _what(stage: Stage) -> str:
    if len(stage.shape) == 1:
        return plural(stage.shape[0], "number")
    return f"{plural(stage.shape[2], 'map')} of {stage.shape[0]}×{stage.shape[1]}"


def _by(stage: Stage) -> str:
    return "×".join(f"{side:,}" for side in stage.shape)


def _figure(draw: Callable[[Theme], Figure], alt: str, caption: str) -> Html:
    return picture(*both_themes(draw), alt, caption)
