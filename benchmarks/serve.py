"""The service, measured over loopback by a load generator in a process of its own.

Three parts, each with its own claim:

speed     Requests a second and latency of single digits (28×28 PNG, MNIST's test set) at 1, 8 and
          64 connections, beside the same network behind a plain FastAPI handler (on the event loop,
          and in its threads) and behind LitServe (one by one, and in batches). All services run in
          turn in each round; the median over the rounds counts.
overload  Ten times as much as the service manages, planned in time whatever it answers (open
          loop): of sheets of digits, of photos of one digit, 200×150, and of single digits as
          above. Those are read so quickly that no generator on the same machine offers ten times
          as many, so a slower network reads them: 10 ms an image.
memory    Resident memory of the process over 100,000 requests: digits, sheets, damaged pictures.

    python benchmarks/serve.py speed overload memory --rounds 5 --seconds 5

LitServe needs ``pip install litserve`` beside inkdigits; ``--peer-python`` names another Python
that has both, ``--no-litserve`` leaves it out.
"""

import argparse
import base64
import contextlib
import io
import json
import os
import random
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image

from inkdigits.data import load
from inkdigits.reading import Reader
from inkdigits.reading.answer import is_digit_image

HERE = Path(__file__).parent
CONNECTIONS = (1, 8, 64)
PEERS = ("fastapi-loop", "fastapi-threads", "litserve", "litserve-batches")
PORT = 18_431


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def single_digits():
    """PNGs of the first 1,000 test images in MNIST's form (99 % of them are)."""
    images = [image for image in load("mnist").test.images if is_digit_image(image)]
    return [png(image) for image in images[:1000]]


def sheets():
    """PNGs of 20 sheets of 640×480 with two rows of five digits each, dark on light."""
    digits = load("mnist").test.images
    made = []
    for start in range(0, 200, 10):
        sheet = np.full((480, 640), 235, np.uint8)
        for place, image in enumerate(digits[start : start + 10]):
            big = np.asarray(Image.fromarray(image).resize((84, 84)))
            top, left = 90 + place // 5 * 180, 50 + place % 5 * 115
            sheet[top : top + 84, left : left + 84] -= (big * 0.8).astype(np.uint8)
        made.append(png(sheet))
    return made


def photos():
    """PNGs of 100 digits in ink on paper, 200×150, unevenly lit."""
    light = 235 - 50 * np.linspace(0, 1, 200)
    made = []
    for image in load("mnist").test.images[:100]:
        photo = np.tile(light, (150, 1))
        large = np.asarray(Image.fromarray(image).resize((112, 112), Image.Resampling.BICUBIC))
        photo[20:132, 44:156] -= 0.7 * large
        made.append(png(photo.clip(0, 255).astype(np.uint8)))
    return made


def as_json(bodies):
    return [json.dumps({"image": base64.b64encode(body).decode()}).encode() for body in bodies]


def write_bodies(path, bodies):
    path.write_bytes(b"".join(struct.pack("<I", len(body)) + body for body in bodies))
    return str(path)


def ask(body, kind="image/png", path="/v1/read"):
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", body)
    request.add_header("Content-Type", kind)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


@contextlib.contextmanager
def running(name, reader, python):
    """Run a service until it answers one digit; yield its process."""
    if name == "inkdigits":
        words = [sys.executable, "-m", "inkdigits", "serve", "--port", str(PORT)]
        words += ["--reader", str(reader)]
    elif name == "slow network":
        words = [sys.executable, str(HERE / "slow_network.py"), str(reader), str(PORT)]
    else:
        python = python if name.startswith("litserve") else sys.executable
        file = "peer_litserve.py" if name.startswith("litserve") else "peer_fastapi.py"
        words = [python, str(HERE / file), name, str(reader), str(PORT)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(words, start_new_session=True, **quiet)
    try:
        body = png(np.pad(np.full((20, 4), 255, np.uint8), ((4, 4), (12, 12))))
        json_body = as_json([body])[0]
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                if name.startswith("litserve"):
                    ask(json_body, "application/json")
                else:
                    ask(body)
                break
            if time.monotonic() > end or process.poll() is not None:
                raise SystemExit(f"{name} does not answer; is it installed for {words[0]}?")
            time.sleep(0.2)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        time.sleep(0.5)


def load_it(bodies, *, connections, seconds, kind="image/png", **open_loop):
    task = {
        "host": "127.0.0.1",
        "port": PORT,
        "path": "/v1/read",
        "type": kind,
        "bodies": bodies,
        "connections": connections,
        "seconds": seconds,
        "warm_up": min(1.0, seconds / 3),
        **open_loop,
    }
    words = [sys.executable, str(HERE / "http_load.py")]
    done = subprocess.run(words, input=json.dumps(task), stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def part(result, status):
    return result["by_status"].get(str(status), {"n": 0, "p50_ms": 0.0, "p99_ms": 0.0})


def same_answers(name, bodies):
    """The digits that a service reads, so that all of them are known to do the same work."""
    found = []
    for body in bodies:
        if name == "inkdigits":
            found.append(ask(body)[0]["lines"][0]["digits"][0]["digit"])
        elif name.startswith("litserve"):
            found.append(ask(as_json([body])[0], "application/json")["digit"])
        else:
            found.append(ask(body)["digit"])
    return found


def speed(options, folder):
    digits = single_digits()
    png_bodies = write_bodies(folder / "png", digits)
    json_bodies = write_bodies(folder / "json", as_json(digits))
    names = ["inkdigits", *(p for p in PEERS if options.litserve or not p.startswith("litserve"))]
    measured = {name: {count: [] for count in CONNECTIONS} for name in names}
    answers = {}
    for turn in range(options.rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            lit = name.startswith("litserve")
            with running(name, options.reader, options.peer_python):
                if turn == 0:
                    answers[name] = same_answers(name, digits[:100])
                for count in CONNECTIONS:
                    result = load_it(
                        json_bodies if lit else png_bodies,
                        connections=count,
                        seconds=options.seconds,
                        kind="application/json" if lit else "image/png",
                    )
                    good = part(result, 200)
                    others = {s: v["n"] for s, v in result["by_status"].items() if s != "200"}
                    if others or result["lost"]:
                        print(f"note: {name} at {count}: {others}, lost {result['lost']}")
                    rate = good["n"] / options.seconds
                    measured[name][count].append((rate, good["p50_ms"], good["p99_ms"]))
    # A refused digit counts as the same work: it went through the same network.
    differ = [
        sum(a is not None and a != b for a, b in zip(answers["inkdigits"], other, strict=True))
        for other in answers.values()
    ]
    print(f"\nspeed: medians of {options.rounds} rounds of {options.seconds:g} s (range of rates)")
    print(f"{'':17} {'connections':>11} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8}")
    for count in CONNECTIONS:
        for name in names:
            rates, p50, p99 = zip(*measured[name][count], strict=True)
            print(
                f"{name:17} {count:11} {statistics.median(rates):11.0f} "
                f"{statistics.median(p50):8.2f} {statistics.median(p99):8.2f}"
                f"   ({min(rates):.0f} to {max(rates):.0f})"
            )
    for count in CONNECTIONS:
        ours = [rate for rate, *_ in measured["inkdigits"][count]]
        for peer in names[1:]:
            pairs = zip(ours, measured[peer][count], strict=True)
            ratios = [mine / theirs[0] for mine, theirs in pairs]
            print(f"at {count:2} connections {statistics.median(ratios):5.2f} times {peer}")
    print(f"digits that differ from ours, of 100: {dict(zip(answers, differ, strict=True))}")


def overload(options, folder):
    made = {
        "sheets": ("inkdigits", sheets()),
        "photos of a digit": ("inkdigits", photos()),
        "single digits, slow network": ("slow network", single_digits()),
    }
    for what, (name, bodies) in made.items():
        path = write_bodies(folder / what, bodies)
        with running(name, options.reader, options.peer_python):
            load_it(path, connections=8, seconds=1)
            for count in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64):
                tried = load_it(path, connections=count, seconds=options.seconds)
                if part(tried, 503)["n"]:
                    break
                connections, good = count, part(tried, 200)  # as many as get no refusal
            capacity = good["n"] / options.seconds
            result = load_it(path, connections=1000, seconds=options.seconds, rate=10 * capacity)
        taken, refused = part(result, 200), part(result, 503)
        offered = (taken["n"] + refused["n"]) / options.seconds
        others = {s: v["n"] for s, v in result["by_status"].items() if s not in ("200", "503")}
        print(
            f"\noverload, {what}: capacity {capacity:.0f}/s with {connections} connections, "
            f"p50 {good['p50_ms']:.1f} ms, p99 {good['p99_ms']:.1f} ms\n"
            f"  offered  {offered:.0f}/s ({offered / capacity:.1f} times), "
            f"generator late by at most {result['late_ms']:.1f} ms\n"
            f"  taken    {taken['n'] / options.seconds:.0f}/s, p50 {taken['p50_ms']:.1f} ms, "
            f"p99 {taken['p99_ms']:.1f} ms: "
            f"{taken['p99_ms'] / good['p99_ms']:.2f} times the usual\n"
            f"  refused  {refused['n'] / options.seconds:.0f}/s, p50 {refused['p50_ms']:.1f} ms, "
            f"p99 {refused['p99_ms']:.1f} ms, slowest {refused.get('max_ms', 0):.1f} ms\n"
            f"  else     {others}, lost {result['lost']}"
        )


def resident(process):
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def memory(options, folder):
    rng = random.Random(1)
    digits = single_digits()[:500]
    damaged = [body[: rng.randrange(8, len(body))] for body in digits[:100]]
    bodies = digits + damaged + sheets()[: options.sheets]
    rng.shuffle(bodies)
    path = write_bodies(folder / "mixed", bodies)
    with running("inkdigits", options.reader, options.peer_python) as process:
        ready, done, series = resident(process), 0, []
        while done < 1.05 * options.requests:
            result = load_it(path, connections=64, seconds=5)
            done += sum(value["n"] for value in result["by_status"].values())
            series.append((done, resident(process)))
        # Buffers and threads have their sizes after the first twentieth.
        first = next(size for count, size in series if count >= 0.05 * options.requests)
        shown = series[:: max(1, len(series) // 10)] + series[-1:]
        print(f"\nmemory: {ready:.0f} MiB when ready; by requests answered:")
        print("  " + ", ".join(f"{count:,}: {size:.1f}" for count, size in shown))
        print(f"  growth over the last {0.95 * done:,.0f}: {series[-1][1] - first:+.1f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="+", choices=["speed", "overload", "memory"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--sheets", type=int, default=3, help="sheets among 600 others")
    parser.add_argument("--reader", type=Path, help="default: the one that ships")
    parser.add_argument("--peer-python", default=sys.executable, help="has litserve and inkdigits")
    parser.add_argument("--no-litserve", dest="litserve", action="store_false")
    options = parser.parse_args()
    options.reader = (options.reader or Reader().path).resolve()
    print(f"{os.cpu_count()} cores, reader {Reader(options.reader).origin()['network']}")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.parts:
            {"speed": speed, "overload": overload, "memory": memory}[name](options, Path(folder))


if __name__ == "__main__":
    main()
