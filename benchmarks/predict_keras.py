"""The peer of predict_speed.py, in a process of its own: IMAGES.npz; prints one JSON object.

Keras's `predict` on the report's network, by its usual batch of 32 and by 512, the quicker one
counting; for one image also the model called as a function, which Keras advises for few images.
"""

import json
import sys
import time
from statistics import median

import numpy as np
from notebook_keras import build, keras


def seconds(call, times):
    call()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return median(taken)


def main():
    images = np.load(sys.argv[1])["images"].astype("float32")[..., None] / 255
    model = build()
    batches = [
        seconds(lambda size=size: model.predict(images, batch_size=size, verbose=0), 3)
        for size in (32, 512)
    ]
    one = images[:1]
    calls = [lambda: model.predict(one, verbose=0), lambda: np.asarray(model(one))]
    print(
        json.dumps(
            {
                "version": keras.__version__,
                "images_a_second": len(images) / min(batches),
                "one_image": min(seconds(call, 50) for call in calls),
            }
        )
    )


if __name__ == "__main__":
    main()
