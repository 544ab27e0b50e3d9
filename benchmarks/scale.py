"""What many images and many processes cost: images a second, memory, time of a step.

    pip install -e '.[train,cluster]'
    python benchmarks/scale.py [predict ray train] [--images 1000000] [--rounds 3] [--folder PLACE]

predict  MNIST's 70,000 images over and over, each augmented anew, in a Parquet file; labelled by
         `inkdigits predict`, with its images a second and the most memory that it ever held.
ray      A fifth of them by `inkdigits predict --cluster`, on a Ray of one core and on one of two,
         beside the same without Ray. What Ray costs at its start is told by a few images, and what
         it costs a part by parts of one image.
train    An epoch of the default recipe, by one process and by two under torchrun, in turn, and the
         exchange of as many floats as its network has.

All by the reader that ships, each run in a process of its own. Takes about half an hour.
"""

import argparse
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from inkdigits.data import load
from inkdigits.reading.reader import SHIPPED
from inkdigits.training.augmentation import augment, draw
from inkdigits.training.recipe import find_recipe

INKDIGITS = (sys.executable, "-m", "inkdigits")
RAY = Path(sys.executable).with_name("ray")
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node")
GROUP = 5_000

EXCHANGE = """
import statistics, sys, time, torch, torch.distributed as dist
dist.init_process_group("gloo")
gradients, taken = torch.ones(int(sys.argv[1])), []
for _ in range(60):
    dist.barrier()
    start = time.perf_counter()
    dist.all_reduce(gradients)
    taken.append(time.perf_counter() - start)
if dist.get_rank() == 0:
    print(1e3 * statistics.median(taken[10:]))
dist.destroy_process_group()
"""

# Small, since a process is said to have held what the one held that started it.
WATCH = """
import resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:]).returncode
memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(f"\\n{time.perf_counter() - start} {memory}")
sys.exit(code)
"""


def write_digits(path, count):
    """Write ``count`` augmented images as Hugging Face ships MNIST, a row group at a time."""
    mnist = load("mnist")
    images = torch.from_numpy(np.concatenate([mnist.images, mnist.test.images]))
    rng = np.random.default_rng(0)
    augmentation = find_recipe("report").augmentation
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    with pq.ParquetWriter(path, pa.schema({"image": kind})) as writer:
        for first in range(0, count, GROUP):
            chosen = torch.arange(first, min(first + GROUP, count)) % len(images)
            draws = torch.from_numpy(draw(augmentation, len(chosen), rng))
            changed = augment(images[chosen], draws).round().to(torch.uint8).numpy()
            rows = [{"bytes": png(image), "path": None} for image in changed]
            writer.write_table(pa.table({"image": pa.array(rows, kind)}))


def png(image):
    content = BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


def run(*words, **variables):
    """Run to the end; returns its seconds, the most memory of one of its processes in MiB, stdout.

    An error of the command is ours.
    """
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}: {done.returncode}")
    out, _, told = done.stdout.rstrip().rpartition("\n")
    seconds, kibibytes = map(float, told.split())
    return seconds, kibibytes / 1024, out


def measure_predict(folder, images):
    seconds, mebibytes, _ = run(
        *INKDIGITS, "predict", SHIPPED, folder / "digits.parquet", "-o", folder / "labels.parquet"
    )
    assert pq.read_metadata(folder / "labels.parquet").num_rows == images
    print(
        f"predict: {images:,} images in {seconds:.0f} s, {images / seconds:,.0f} a second, "
        f"{mebibytes:.0f} MiB at the peak",
        flush=True,
    )


@contextmanager
def cluster(cores):
    """Have a Ray of ``cores`` cores inside the block; yields its address and its token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    words = ["start", "--head", "--block", "--include-dashboard", "false", "--disable-usage-stats"]
    words += ["--num-cpus", str(cores), "--port", str(port)]
    with subprocess.Popen(
        [RAY, *words],
        env=os.environ | token,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as ray:
        try:
            wait_until_ready(port)
            yield f"127.0.0.1:{port}", token
        finally:
            ray.terminate()  # `ray stop` would end every other Ray of this machine too


def wait_until_ready(port):
    """Wait until somebody listens at the port, and the node has joined."""
    for _ in range(600):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            time.sleep(10)
            return
        time.sleep(0.1)
    raise SystemExit("Ray did not start")


def label(folder, source, address, token):
    """Label by the Ray at ``address``; returns seconds, the driver's MiB, and how many parts."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        words = (*INKDIGITS, "predict", SHIPPED, source, "-o", Path(out, "labels"), "--json")
        seconds, mebibytes, told = run(*words, "--cluster", address, **token)
    return seconds, mebibytes, json.loads(told)


def measure_ray(folder, images, rounds):
    many, few, tiny = folder / "many.parquet", folder / "few.parquet", folder / "tiny.parquet"
    count, parts = images // 5, min(1_000, images // 5)
    write_digits(many, count)
    write_digits(few, 2)
    pq.write_table(pq.read_table(many).slice(0, parts), tiny, row_group_size=1)
    rates = {name: [] for name in ("alone", "one thread", 1, 2)}
    for _ in range(rounds):
        for name, threads in (("alone", {}), ("one thread", {"OMP_NUM_THREADS": "1"})):
            words = (*INKDIGITS, "predict", SHIPPED, many, "-o", folder / "labels.parquet")
            if threads:
                words = ("taskset", "-c", "0", *words)
            rates[name].append(count / run(*words, **threads)[0])
            print(f"{name}: {rates[name][-1]:,.0f} a second", flush=True)
        for cores in (1, 2):
            with cluster(cores) as (address, token):
                start, _, _ = label(folder, few, address, token)
                seconds, memory, _ = label(folder, many, address, token)
                small, _, told = label(folder, tiny, address, token)
            assert told["parts"] == parts
            rates[cores].append((count - 2) / (seconds - start))
            print(
                f"ray, {cores} worker{'s' * (cores > 1)}: {count:,} images in {seconds:.1f} s, "
                f"2 images in {start:.1f} s, so {rates[cores][-1]:,.0f} more a second; "
                f"{parts:,} parts of one image in {small:.1f} s, so "
                f"{1e3 * (small - start) / parts:.1f} ms a part; driver {memory:.0f} MiB",
                flush=True,
            )
    for name, found in rates.items():
        print(f"{name}: {median(found):,.0f} a second ({min(found):,.0f}–{max(found):,.0f})")


def measure_train(folder, rounds):
    steps = {1: [], 2: []}
    for number in range(rounds):
        for count, launcher in ((1, (sys.executable,)), (2, (*TORCHRUN, 2))):
            out = folder / f"run-{count}-{number}"
            threads = {"OMP_NUM_THREADS": str(max(1, os.cpu_count() // count))}
            run(*launcher, "-m", "inkdigits", "train", "--epochs", 3, "-o", out, **threads)
            lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
            precision = json.loads((out / "run.json").read_text())["precision"]
            steps[count].append(1e3 * median(line["seconds"] for line in lines[1:]) / 263)
            print(f"train, {count}: {steps[count][-1]:.1f} ms a step, {precision}", flush=True)
    (folder / "exchange.py").write_text(EXCHANGE)
    _, _, told = run(*TORCHRUN, 2, folder / "exchange.py", 1_630_090, OMP_NUM_THREADS="1")
    for count, found in steps.items():
        print(f"train, {count}: {median(found):.1f} ms a step ({min(found):.1f}–{max(found):.1f})")
    print(f"exchange of 1,630,090 floats between two processes: {float(told):.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", default=["predict", "ray", "train"])
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where there is room for 1 GB")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder = Path(place)
        if "predict" in options.parts:
            write_digits(folder / "digits.parquet", options.images)
            measure_predict(folder, options.images)
        if "ray" in options.parts:
            measure_ray(folder, options.images, options.rounds)
        if "train" in options.parts:
            measure_train(folder, options.rounds)


if __name__ == "__main__":
    main()
