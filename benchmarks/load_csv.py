"""Loading Kaggle's train.csv, side by side with pandas.

Writes 42,000 images of MNIST in the form of train.csv (76.7 MB) to a temporary folder, then times
``inkdigits.data.load`` and ``pandas.read_csv`` on it in turn, each time in a fresh process, imports
left out. Needs pandas beside inkdigits:

    python benchmarks/load_csv.py --runs 7
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TIMED = """
import json, resource, sys, time
{imports}
start = time.perf_counter()
data = {call}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([seconds, peak, len(data)]))
"""
LOADERS = {
    "inkdigits": TIMED.format(imports="from inkdigits.data import load", call="load(sys.argv[1])"),
    "pandas": TIMED.format(imports="import pandas", call="pandas.read_csv(sys.argv[1])"),
}
# Processes of their own, because a child starts with its parent's peak of memory as its own.
WRITE = """
import json, sys
from inkdigits.data import load
from inkdigits.data.kaggle_csv import HEADERS
data = load("mnist42k")
with open(sys.argv[1], "w") as file:
    file.write(",".join(HEADERS[0]) + "\\n")
    for label, image in zip(data.labels.tolist(), data.images.reshape(-1, 784).tolist()):
        file.write(f"{label},{','.join(map(str, image))}\\n")
print(json.dumps(len(data)))
"""


def run(code, path):
    if path.exists():  # into the page cache, so that neither side waits for the disk
        with path.open("rb") as file:
            while file.read(2**20):
                pass
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.csv")
        run(WRITE, path)
        print(f"{path.stat().st_size / 1e6:.1f} MB, {runs} runs each, {os.cpu_count()} cores")
        measured = {name: [] for name in LOADERS}
        for _ in range(runs):
            for name, code in LOADERS.items():
                measured[name].append(run(code, path))
    print(f"{'':10} {'median s':>9} {'fastest':>9} {'slowest':>9} {'peak MiB':>9}")
    for name, results in measured.items():
        seconds = [result[0] for result in results]
        peak = max(result[1] for result in results)
        print(
            f"{name:10} {statistics.median(seconds):9.3f} {min(seconds):9.3f} "
            f"{max(seconds):9.3f} {peak:9.0f}"
        )
    ratios = [theirs[0] / ours[0] for ours, theirs in zip(*measured.values(), strict=True)]
    print(
        f"pandas takes {statistics.median(ratios):.1f} times as long "
        f"(median of {runs} pairs, {min(ratios):.1f} to {max(ratios):.1f})"
    )


if __name__ == "__main__":
    main()
