"""Which images a network finds hard, so that a short training may return to these alone."""

import torch
from torch import Tensor


class Hardness:
    """How hard each of ``count`` images was when last seen; the hardest ``share`` is returned to.

    Hard is a high rank of the loss in its batch, from 0 to 1: the loss itself falls as training
    goes on, so it tells when an image was seen. Source: selective backpropagation (Jiang et al.,
    2019). Deviation: the images are chosen by the epoch before, so that the others cost nothing.

    ``ranks`` float32 (2, count): as they were when the epoch began, and as they are now, so that a
    training that goes on within an epoch chooses as that epoch did.
    """

    def __init__(self, count: int, share: float, device: torch.device) -> None:
        self.ranks = torch.ones(2, count, device=device)
        self.returned = max(1, round(share * count))

    def hardest(self) -> Tensor:
        """Return the numbers of the images that were hardest when the epoch began, int64."""
        return self.ranks[0].argsort(descending=True, stable=True)[: self.returned]

    def note(self, chosen: Tensor, losses: Tensor) -> None:
        """Take in the losses (n,) of the images whose numbers are ``chosen`` (n,), a batch."""
        ranks = torch.linspace(0, 1, len(losses), device=losses.device)
        self.ranks[1, chosen[losses.argsort(stable=True)]] = ranks

    def end_epoch(self) -> None:
        """Let the next epoch choose by what is known now."""
        self.ranks[0] = self.ranks[1]
