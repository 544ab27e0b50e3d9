"""How a network is trained: recipes by name."""

import operator
from dataclasses import dataclass, replace
from typing import Any

from inkdigits.errors import UsageError


@dataclass(frozen=True)
class Affine:
    """Random affine changes, drawn anew for every image in every epoch.

    ``rotation`` in degrees, ``zoom`` and ``shift`` as fractions: rotation U(−r, r), zoom
    U(1 − z, 1 + z) for each axis on its own, shift U(−s, s) of the height and of the width.
    """

    rotation: float
    zoom: float
    shift: float


@dataclass(frozen=True)
class Wild:
    """Other hands, pens, paper and light, as ``wild.py`` draws them, and much that is no digit.

    ``share`` of the digits are changed so, the others only as the recipe's augmentation says. For
    each image of the data there are ``forms`` digits in forms that MNIST lacks, ``photographs`` of
    the data's digits, and ``outliers`` that are no digit, for the network to be unsure of
    (Hendrycks et al., 2019).
    """

    share: float
    forms: float
    photographs: float
    outliers: float


@dataclass(frozen=True)
class RMSprop:
    """RMSprop without momentum (Tieleman & Hinton, 2012); epsilon is added outside the root."""

    learning_rate: float
    rho: float
    epsilon: float


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter, 2019), on weights, not on biases."""

    learning_rate: float
    weight_decay: float
    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8


@dataclass(frozen=True)
class Muon:
    """Momentum made orthogonal for convolutions (Jordan et al., 2024), ``rest`` for all else.

    ``stride``: how far a step at the peak of the learning rate takes the weights of a convolution,
    as a share of their norm. Deviations, as in the author's training of CIFAR-10 networks: three
    Newton-Schulz iterations, and the norm of a convolution's weights is kept, where batch
    normalisation makes it meaningless anyway, so no weight decay is needed.
    """

    rest: AdamW
    stride: float
    momentum: float = 0.95

    @property
    def learning_rate(self) -> float:
        """The peak of the learning rate of ``rest``, by which the stride goes."""
        return self.rest.learning_rate


@dataclass(frozen=True)
class Plateau:
    """Lower the learning rate when the validation accuracy stands still (ReduceLROnPlateau).

    After ``patience`` epochs without an accuracy better by over ``min_delta`` it is multiplied by
    ``factor``, down to ``min_learning_rate``.
    """

    factor: float
    patience: int
    min_learning_rate: float
    min_delta: float = 1e-4


@dataclass(frozen=True)
class OneCycle:
    """Raise the learning rate in a line from 0, then lower it in a line (Smith, 2018).

    ``warm_up``: the share of all steps that the rise takes; ``end``: the share of its peak that the
    learning rate ends at. Deviation: momentum stays as it is.
    """

    warm_up: float
    end: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """All that training needs besides a network, images and a seed.

    ``model``: the architecture it was made for. ``averaging``: the decay, in steps, of a running
    mean of the weights, which is then what training ends in (Polyak & Juditsky, 1992); 0 for none.
    ``moved``: the reader reads an image five times, moved by a pixel each way (``Moved``).
    ``hardest``: the share of the images that each epoch after the first takes, those that were
    hardest when last seen (``Hardness``); all of them where there is a wild part.
    """

    name: str
    model: str
    epochs: int
    batch_size: int
    validation_fraction: float
    optimiser: RMSprop | AdamW | Muon
    schedule: Plateau | OneCycle
    augmentation: Affine
    wild: Wild | None = None
    averaging: float = 0.0
    moved: bool = False
    hardest: float = 1.0


REPORT = Recipe(
    name="report",
    model="report_cnn",
    epochs=20,
    batch_size=128,
    validation_fraction=0.2,
    optimiser=RMSprop(learning_rate=1e-3, rho=0.9, epsilon=1e-8),
    schedule=Plateau(factor=0.5, patience=3, min_learning_rate=1e-5),
    augmentation=Affine(rotation=15, zoom=0.15, shift=0.15),
)
"""The report's own settings: about 0.991 on 8,400 validation images after 20 epochs."""

STUDY = Recipe(
    name="study",
    model="convnet_small",
    epochs=8,
    batch_size=128,
    validation_fraction=0.2,
    optimiser=AdamW(learning_rate=6e-3, weight_decay=0.01),
    schedule=OneCycle(warm_up=0.15),
    augmentation=Affine(rotation=8, zoom=0.08, shift=0.06),
)
"""For comparing networks alike: one cycle that ends at nothing, so the last epoch is no luck."""

FAST = replace(
    STUDY,
    name="fast",
    model="convnet_quick",
    epochs=3,
    batch_size=256,
    optimiser=Muon(AdamW(learning_rate=0.01, weight_decay=0.01), stride=0.04),
    averaging=0.96,
    hardest=0.2,
)
"""For 99 % in seconds: once all images, then twice the hardest fifth."""

BEST = Recipe(
    name="best",
    model="convnet",
    epochs=20,
    batch_size=128,
    validation_fraction=1 / 20,
    optimiser=Muon(AdamW(learning_rate=3e-3, weight_decay=0.01), stride=0.01),
    schedule=OneCycle(warm_up=0.18, end=1 / 6),
    augmentation=Affine(rotation=12, zoom=0.12, shift=0.1),
    wild=Wild(share=0.25, forms=0, photographs=0.2, outliers=0),
    averaging=0.999,
    moved=True,
)
"""For MNIST's own digits: a part of them changed, photographs, mean weights.

The cycle ends early: at smaller learning rates held-out images became less likely, not more, in
most trainings.
"""

TAUGHT = replace(BEST, name="taught", epochs=30, schedule=STUDY.schedule)
"""For learning from other networks' answers, which unlike labels cannot be learnt by heart."""

TINY = replace(
    BEST,
    name="tiny",
    model="convnet_tiny",
    epochs=60,
    schedule=STUDY.schedule,
    wild=None,
    moved=False,
)
"""For a network of less than 8,000 parameters."""

WILD = replace(
    BEST,
    name="wild",
    model="convnet_wide",
    schedule=STUDY.schedule,
    wild=Wild(share=0.25, forms=0.06, photographs=0.2, outliers=0.2),
    moved=False,
)
"""For pictures from the world outside: other hands and cameras, and much that is no digit."""

PLAIN = replace(
    WILD,
    name="plain",
    epochs=16,
    wild=Wild(share=0, forms=0.06, photographs=0.3, outliers=0.2),
)
"""As ``wild``, but no digit is changed much: it errs on other ones, so the two do well together."""

RECIPES = {recipe.name: recipe for recipe in (REPORT, FAST, BEST, TAUGHT, TINY, WILD, PLAIN, STUDY)}


def find_recipe(name: str, epochs: int | None = None) -> Recipe:
    """Return the recipe called ``name``, with ``epochs`` in place of its own where they are given.

    Raises UsageError, which lists the names, if there is none, and for less than one epoch.
    """
    if name not in RECIPES:
        raise UsageError(f"there is no recipe {name!r}; choose from {', '.join(RECIPES)}")
    if epochs is None:
        return RECIPES[name]
    return replace(RECIPES[name], epochs=check_whole(epochs, "epochs", least=1))


def check_whole(number: Any, name: str, least: int = 0) -> int:
    """Return ``number``, of whatever whole type, as an int; UsageError for less and for others."""
    try:
        whole = operator.index(number)
    except TypeError:
        whole = least - 1
    if whole < least:
        raise UsageError(
            f"{name} {number!r} asked for; a whole number of at least {least} is needed"
        )
    return whole
