"""Images a second: the reader that ships beside Keras's predict on the report's network.

    pip install -e '.[train]' tensorflow scipy
    python benchmarks/predict_speed.py [--rounds 5] [--peer-python PYTHON]

Both label MNIST's 10,000 test images, from arrays in memory, each in a process of its own, in turn.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from inkdigits.data import load

OURS = """
import json, sys, time
from statistics import median
import numpy as np
from inkdigits import Reader
images, reader = np.load(sys.argv[1])["images"], Reader()
def seconds(images, times):
    reader.predict_proba(images)
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        reader.predict_proba(images)
        taken.append(time.perf_counter() - start)
    return median(taken)
rate = len(images) / seconds(images, 3)
print(json.dumps({"images_a_second": rate, "one_image": seconds(images[:1], 200)}))
"""


def measure(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = "".join(done.stderr.strip().splitlines()[-1:])
        raise SystemExit(f"{command[1]} failed ({last}); --peer-python is to have TensorFlow")
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-python", default=sys.executable, help="the one with TensorFlow")
    options = parser.parse_args()
    peer_script = Path(__file__).with_name("predict_keras.py")
    rates, latencies = [], []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "images.npz"
        np.savez(path, images=load("mnist").test.images)
        for _ in range(options.rounds):
            peer = measure([options.peer_python, str(peer_script), str(path)])
            ours = measure([sys.executable, "-c", OURS, str(path)])
            rates.append(ours["images_a_second"] / peer["images_a_second"])
            latencies.append(peer["one_image"] / ours["one_image"])
            print(
                f"images a second: keras {peer['version']} {peer['images_a_second']:,.0f}, "
                f"inkdigits {ours['images_a_second']:,.0f}, {rates[-1]:.2f} times; one image: "
                f"{1e3 * peer['one_image']:.2f} ms and {1e3 * ours['one_image']:.2f} ms",
                flush=True,
            )
    print(
        f"n = {options.rounds}: {median(rates):.2f} times as many images a second "
        f"({min(rates):.2f}–{max(rates):.2f}), one image {median(latencies):.1f} times as quick"
    )


if __name__ == "__main__":
    main()
