"""What is compared with what: plans, and studies by name."""

from dataclasses import dataclass

from inkdigits.errors import UsageError


@dataclass(frozen=True)
class Plan:
    """What is compared: each model is trained with each of the seeds 0 … ``seeds`` − 1.

    ``data`` is a name or path as for ``data.load``, of which the first ``images`` are used (all,
    if None); ``epochs`` replaces the recipe's number; ``precision`` is "bfloat16" or "float32",
    by default the one that the first training finds to be faster. ``title`` heads the page.
    """

    models: tuple[str, ...]
    data: str = "mnist42k"
    images: int | None = None
    recipe: str = "report"
    epochs: int | None = None
    seeds: int = 3
    precision: str | None = None
    title: str = "Networks compared"


DEPTH = Plan(
    models=(
        *("lenet5", "report_cnn"),
        *("vgg11", "vgg13", "vgg16_1x1", "vgg16", "vgg19"),
        *("vgg11_bn", "vgg13_bn", "vgg16_1x1_bn", "vgg16_bn", "vgg19_bn"),
        *("plain18", "plain34", "resnet18", "resnet34"),
    ),
    images=10_000,
    recipe="study",
    epochs=8,
    precision="float32",
    title="What depth buys on digits",
)
"""Two shallow networks; VGG's columns A to E without and with batch norm; plain nets and residual.

In float32, so that they differ in nothing but themselves, on any machine. By the recipe `study`,
whose learning rate falls to nothing: with the report's, accuracy swung by points from one epoch to
the next. All take less than half an hour on two cores.
"""

STUDIES = {"depth": DEPTH}


def find_study(name: str) -> Plan:
    """Return the study called ``name``; UsageError lists the names if there is none."""
    if name not in STUDIES:
        raise UsageError(f"there is no study {name!r}; choose from {', '.join(STUDIES)}")
    return STUDIES[name]
