"""Two peers in plain PyTorch, written anew from their descriptions.

Run by time_to_accuracy.py in a process of its own: NAME IMAGES.npz SEED; prints one JSON object.

example: the network and schedule that PyTorch's own MNIST example has had for years. Convolutions
3×3 of 32 and 64 without padding, pooling, dropout 0.25, dense 128, dropout 0.5; Adadelta at 1.0,
times 0.7 after each of 14 epochs, batch 64.

fast: the one-epoch recipe of tuomaso/train_mnist_fast. Convolution 5×5 of 24, pooling, 3×3 of 32,
pooling, dense 256; Adam with betas 0.7 and 0.9, one cycle up to 0.01, batch 256, one epoch.

Both see pixels shifted and scaled by MNIST's mean and deviation, unchanged otherwise.
"""

import json
import math
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy


def example():
    network = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Dropout(0.25), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(128, 10),
    )  # fmt: skip
    optimiser = torch.optim.Adadelta(network.parameters(), lr=1.0)
    return network, optimiser, 14, 64, lambda epochs: 0.7 ** math.floor(epochs)


def fast():
    network = nn.Sequential(
        nn.Conv2d(1, 24, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(24, 32, 3), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 256), nn.ReLU(), nn.Linear(256, 10),
    )  # fmt: skip
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01, betas=(0.7, 0.9))
    return network, optimiser, 1, 256, lambda done: min(done / 0.3, (1 - done) / 0.7)


def main():
    name, path, seed = sys.argv[1:]
    torch.manual_seed(int(seed))
    data = np.load(path)
    x, x_val = (
        torch.from_numpy(data[k]).float().div(255).sub(0.1307).div(0.3081)[:, None]
        for k in ("x_train", "x_val")
    )
    y, y_val = (torch.from_numpy(data[k]).long() for k in ("y_train", "y_val"))
    network, optimiser, epochs, size, schedule = {"example": example, "fast": fast}[name]()
    steps, seconds, accuracies = math.ceil(len(x) / size), [], []
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: schedule(step / steps))
    start = time.perf_counter()
    for _ in range(epochs):
        network.train()
        for chosen in torch.randperm(len(x)).split(size):
            optimiser.zero_grad()
            cross_entropy(network(x[chosen]), y[chosen]).backward()
            optimiser.step()
            scheduler.step()
        network.eval()
        with torch.inference_mode():
            answers = torch.cat([network(part).argmax(1) for part in x_val.split(1000)])
        accuracies.append((answers == y_val).double().mean().item())
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds, "val_accuracy": accuracies}))


if __name__ == "__main__":
    main()
