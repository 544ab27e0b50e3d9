"""The small data set that every test of a source writes down and reads back."""

import numpy as np
import pytest

from inkdigits.data import Dataset, load


@pytest.fixture(scope="session")
def mnist():
    return load("mnist")


@pytest.fixture(scope="session")
def digits(mnist):
    """Forty images of MNIST by label, four of each, some with ink on their border."""
    order = np.argsort(mnist.labels[:4000], kind="stable")
    border = mnist.images[:, :, 0].any(axis=1)
    assert border[order].any()
    chosen = np.concatenate(
        [
            np.concatenate([mine[border[mine]], mine])[:4]
            for mine in (order[mnist.labels[order] == label] for label in range(10))
        ]
    )
    return Dataset(mnist.images[chosen], mnist.labels[chosen], "digits")
