"""The architectures by name.

An architecture is a module that maps float (N, C, H, W) in 0–1 to logits (N, classes); one with
auxiliary classifiers gives ``(logits, *auxiliary logits)`` while it trains. It is built from a
geometry and a width, which multiplies its numbers of channels.
"""

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inkdigits.errors import UsageError
from inkdigits.models.convnet import QUICK_STAGES, STAGES, TINY_STAGES, ConvNet
from inkdigits.models.geometry import DIGITS, IMAGENET, LENET, Geometry
from inkdigits.models.inception import InceptionV1
from inkdigits.models.lenet5 import LeNet5, LeNet51998
from inkdigits.models.report_cnn import ReportCNN
from inkdigits.models.resnet import BLOCKS, ResNet
from inkdigits.models.vgg import VGG


class Architecture(NamedTuple):
    """How to build a network: the paper's geometry at width 1, the digits' at ``width``.

    ``paper``: None for our own, which have none.
    """

    build: Callable[[Geometry, float], nn.Module]
    paper: Geometry | None
    width: float = 1


# For digits an eighth of the channels: 2–10 million multiply-adds, around the report's network's
# 5.4 million, so that an epoch takes from seconds to half a minute on 2 cores.
EIGHTH = 1 / 8

_VGG = {
    "vgg11": "A",
    "vgg11_lrn": "A-LRN",
    "vgg13": "B",
    "vgg16_1x1": "C",
    "vgg16": "D",
    "vgg19": "E",
}

ARCHITECTURES: dict[str, Architecture] = {
    "report_cnn": Architecture(lambda geometry, _: ReportCNN(geometry), DIGITS),
    "report_cnn_average": Architecture(lambda geometry, _: ReportCNN(geometry, "average"), DIGITS),
    "report_cnn_fractional": Architecture(
        lambda geometry, _: ReportCNN(geometry, "fractional"), DIGITS
    ),
    "convnet": Architecture(partial(ConvNet, STAGES), None),
    "convnet_small": Architecture(partial(ConvNet, STAGES), None, 0.5),
    "convnet_wide": Architecture(partial(ConvNet, STAGES), None, 1.5),
    "convnet_tiny": Architecture(partial(ConvNet, TINY_STAGES), None),
    "convnet_quick": Architecture(partial(ConvNet, QUICK_STAGES, margin=2), None),
    "lenet5": Architecture(LeNet5, LENET),
    "lenet5_1998": Architecture(LeNet51998, LENET),
    **{name: Architecture(partial(VGG, column), IMAGENET, EIGHTH) for name, column in _VGG.items()},
    **{
        f"{name}_bn": Architecture(partial(VGG, column, batch_norm=True), IMAGENET, EIGHTH)
        for name, column in _VGG.items()
        if name != "vgg11_lrn"
    },
    "inception_v1": Architecture(InceptionV1, IMAGENET, EIGHTH),
    **{f"resnet{n}": Architecture(partial(ResNet, n), IMAGENET, EIGHTH) for n in BLOCKS},
    **{
        f"plain{n}": Architecture(partial(ResNet, n, residual=False), IMAGENET, EIGHTH)
        for n in BLOCKS
    },
}


class Network(nn.Module):
    """An architecture in the digits' geometry, as a map from digit images to logits.

    Scaling to 0–1 and padding to the size that the architecture wants happen here or in it, so
    they travel inside every exported file.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 28, 28), uint8 or float in 0–255, to logits (N, 10)."""
        return self._outputs(images)[0]

    def loss(
        self, images: Tensor, targets: Tensor, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Return the loss to train on and the logits (N, 10).

        ``targets``: labels, int64 (N,), or their probabilities, float (N, 10). The loss is the
        mean cross-entropy of the logits, and in training 0.3 times that of each
        auxiliary classifier beside it (Szegedy et al. 2015, section 5). By ``temperature`` all
        logits are divided first; the loss is then as many times its square, which leaves the
        gradients about as large (Hinton et al., 2015, section 2).
        """
        logits, *auxiliary = self._outputs(images)
        loss = cross_entropy(logits.float() / temperature, targets)
        for other in auxiliary:
            loss = loss + 0.3 * cross_entropy(other.float() / temperature, targets)
        return loss * temperature**2, logits

    def _outputs(self, images: Tensor) -> tuple[Tensor, ...]:
        x = images.to(torch.float32).unsqueeze(1) / 255
        outputs: Tensor | tuple[Tensor, ...] = self.body(x)
        return outputs if isinstance(outputs, tuple) else (outputs,)


def architecture(name: str) -> Architecture:
    """Return the architecture of that name; UsageError names the nearest if there is none."""
    if name not in ARCHITECTURES:
        near = get_close_matches(str(name), ARCHITECTURES, n=3, cutoff=0.5) or list(ARCHITECTURES)
        raise UsageError(f"no architecture is called {name!r}; choose {', '.join(near)}")
    return ARCHITECTURES[name]


def create(name: str) -> Network:
    """Build the architecture ``name`` for digits, with fresh weights from torch's generator.

    Raises UsageError if no architecture has that name.
    """
    entry = architecture(name)
    return Network(entry.build(DIGITS, entry.width))
