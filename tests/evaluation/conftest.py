import numpy as np
import pytest


@pytest.fixture(scope="session")
def sample():
    """300 images with labels and probabilities, some of them wrong: 2 read as 7 four times."""
    generator = np.random.default_rng(0)
    labels = (np.arange(300) % 10).astype(np.uint8)
    images = generator.integers(0, 256, (300, 28, 28), dtype=np.uint8)
    predicted = labels.copy()
    predicted[[2, 12, 22, 32]] = 7
    predicted[[9, 19]] = 4
    confidence = generator.uniform(0.7, 0.999, 300).astype(np.float32)
    probabilities = np.repeat((1 - confidence[:, None]) / 9, 10, axis=1)
    probabilities[np.arange(300), predicted] = confidence
    for array in (images, labels, probabilities):
        array.setflags(write=False)  # whoever draws from them leaves them as they are
    return images, labels, probabilities


@pytest.fixture(scope="session")
def history():
    return [
        {
            "epoch": epoch,
            "loss": 0.5 / epoch,
            "accuracy": 1 - 0.2 / epoch,
            "val_loss": 0.3 / epoch,
            "val_accuracy": 1 - 0.1 / epoch,
            "learning_rate": 0.001,
            "seconds": 1.5,
        }
        for epoch in range(1, 6)
    ]
