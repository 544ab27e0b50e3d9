"""Building blocks that several architectures share."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Dropout (Srivastava et al., 2014) with one-byte random numbers.

    Deviation: the probability is rounded to a multiple of 1/256, and the kept values are scaled
    by that probability, so that the mean is kept exactly. Draws from torch's default generator.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.threshold = round(p * 256)
        self.scale = 256 / (256 - self.threshold)

    def forward(self, x: Tensor) -> Tensor:
        """Zero each value with the layer's probability while training; else return ``x``."""
        if not self.training:
            return x
        bits = torch.empty_like(x, dtype=torch.uint8).random_()
        return x * (bits >= self.threshold).to(x.dtype).mul_(self.scale)

    def extra_repr(self) -> str:
        """Show the probability in the module's printed form."""
        return f"p={self.threshold / 256:g}"


class LocalResponseNorm(nn.LocalResponseNorm):
    """Normalisation over five neighbouring channels (Krizhevsky et al. 2012, section 3.3).

    The paper's constants; torch divides alpha by the number of channels, so it is given 5 × 1e-4.
    """

    def __init__(self) -> None:
        super().__init__(5, alpha=5e-4, beta=0.75, k=2)


def he_initialise(network: nn.Module) -> None:
    """Set the weights by He et al. (2015, section 2.2), made for ReLU; biases become zero.

    Deviation: drawn from a uniform distribution with the paper's variance, not from a normal one.
    """
    _initialise(network, partial(nn.init.kaiming_uniform_, nonlinearity="relu"))


def glorot_initialise(network: nn.Module) -> None:
    """Set the weights by Glorot and Bengio (2010, equation 16), made for tanh; biases to zero."""
    _initialise(network, nn.init.xavier_uniform_)


def _initialise(network: nn.Module, draw: Callable[[Tensor], Tensor]) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            draw(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
