"""The page without a server: as files, on a plain file server, then with no network at all."""

import functools
import http.server
import json
import os
import random
import re
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from inkdigits.data import load
from inkdigits.errors import DataError, InkdigitsError
from inkdigits.images import normalise
from inkdigits.reading.page import Spot
from inkdigits.reading.refusing import refusals
from inkdigits.serving.web import RUNTIME, RUNTIME_FILES, write_web


@pytest.fixture
def package(tmp_path):
    """What onnxruntime-web looks like where it is installed."""
    folder = tmp_path / "onnxruntime-web"
    (folder / "dist").mkdir(parents=True)
    for name in RUNTIME_FILES:
        (folder / "dist" / name).write_bytes(name.encode())
    return folder


def test_writes_the_page_the_reader_and_what_runs_it(tmp_path, reader, package):
    folder = tmp_path / "deep" / "web"
    size = write_web(folder, reader, package)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sum(map(len, files.values())) == size
    assert files["reader.onnx"] == reader.path.read_bytes()
    assert json.loads(files["reader.json"])["threshold"] == reader.threshold
    assert files[RUNTIME_FILES[1]] == RUNTIME_FILES[1].encode()
    assert b"fetch(" not in files["reader.js"].replace(b'fetch("reader.json")', b"")
    write_web(folder, reader, package)
    assert {path.name for path in folder.iterdir()} == set(files)


def test_every_module_that_is_asked_for_is_there(tmp_path, reader, package):
    folder = tmp_path / "web"
    write_web(folder, reader, package)
    for script in folder.glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', script.read_text()):
            assert (folder / name).is_file(), f"{script.name} asks for {name}"


def test_tells_another_package(tmp_path, reader):
    for package in (tmp_path, tmp_path / "missing.tgz", Path(__file__)):
        with pytest.raises(DataError, match="is not the npm package onnxruntime-web; `npm pack"):
            write_web(tmp_path / "web", reader, package)
    assert not (tmp_path / "web").exists()


@pytest.mark.parametrize("form", ["gz", "xz", "bz2"])
def test_a_package_that_is_damaged_is_told_so(tmp_path, reader, package, form):
    (package / "dist" / RUNTIME_FILES[1]).write_bytes(random.Random(1).randbytes(20_000))
    archived = tmp_path / "package.tgz"
    with tarfile.open(archived, f"w:{form}") as archive:
        archive.add(package, "package")
    sound = archived.read_bytes()
    for at in range(20, 20_000, 2000):
        archived.write_bytes(sound[:at] + bytes(2000) + sound[at + 2000 :])
        with pytest.raises(DataError, match="is not the npm package"):
            write_web(tmp_path / "web", reader, archived)
    assert not (tmp_path / "web").exists()


def test_a_package_with_a_folder_for_a_file_is_told_so(tmp_path, reader):
    archived = tmp_path / "package.tgz"
    with tarfile.open(archived, "w:gz") as archive:
        for name in RUNTIME_FILES:
            archive.add(tmp_path, f"package/dist/{name}", recursive=False)
    with pytest.raises(DataError, match="is not the npm package"):
        write_web(tmp_path / "web", reader, archived)
    assert not (tmp_path / "web").exists()


def test_says_what_to_do_without_npm(tmp_path, reader, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InkdigitsError, match="no npm here; fetch it elsewhere with `npm pack"):
        write_web(tmp_path / "web", reader)


def test_passes_on_why_npm_gave_nothing(tmp_path, reader, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error network is down' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InkdigitsError, match=r"did not give .*\(npm error network is down\)"):
        write_web(tmp_path / "web", reader)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def web(tmp_path_factory, reader, lacking):
    """The address of an exported page on a file server that knows nothing of inkdigits."""
    package = os.environ.get("INKDIGITS_ONNXRUNTIME_WEB")
    if package is None:
        lacking(f"set INKDIGITS_ONNXRUNTIME_WEB to the file that `npm pack {RUNTIME}` gives")
    folder = tmp_path_factory.mktemp("web")
    write_web(folder, reader, Path(package))
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def loaded(visiting, browser, web):
    """Somebody at the exported page, once it is loaded and the network is off."""
    with visiting(browser, web) as hand:
        read = "async () => (await import('./reader.js')).read(new Blob()).catch(() => {})"
        hand.page.evaluate(read)  # which waits for the network and its reader
        hand.page.context.set_offline(True)
        yield hand


@pytest.fixture
def alone(loaded):
    loaded.page.evaluate("document.getElementById('clear').click()")
    return loaded


def pictures():
    """MNIST's digits as pictures of many sizes, on light, shaded and noisy paper, or on black."""
    rng = np.random.default_rng(0)
    images = load("mnist").test.images
    for number in range(16):
        side = int(rng.choice([40, 64, 100, 180, 300])) if number else 620
        image = Image.fromarray(images[number]).resize((side, int(side * rng.uniform(0.8, 1.3))))
        picture = np.pad(np.asarray(image).astype(float), side // 4)
        if number % 3:
            picture = 235 - 0.8 * picture - 20 * np.linspace(0, 1, picture.shape[1])
        if number % 4 == 0:
            picture = picture + rng.normal(0, 3, picture.shape)
        yield picture.clip(0, 255).astype(np.uint8)
    for side in (60, 110):  # broad strokes that cross, on a picture that they fill
        four = Image.new("L", (side, side), 230)
        pen, unit = ImageDraw.Draw(four), side / 10
        for stroke in ([(4, 1), (2, 6), (8, 5.5)], [(6, 3), (6, 9)]):
            pen.line([(unit * x, unit * y) for x, y in stroke], 40, round(2 * unit), "curve")
        yield np.asarray(four)


@pytest.mark.long
def test_normalises_as_python_does(alone):
    for picture in [*pictures(), np.full((30, 40), 200, np.uint8), load("mnist").test.images[0]]:
        seen = alone.page.evaluate(
            """async (png) => {
              const { greyOf } = await import("./reader.js");
              const { normalise } = await import("./normalise.js");
              return Array.from(normalise(await greyOf(new Blob([new Uint8Array(png)]))));
            }""",
            list(alone.png(picture)),
        )
        assert np.array_equal(np.reshape(seen, (28, 28)), normalise(picture))


@pytest.mark.long
def test_reads_as_python_does(alone, reader):
    for picture in pictures():
        reading = alone.page.evaluate(
            """async (png) => {
              const { read } = await import("./reader.js");
              return read(new Blob([new Uint8Array(png)], { type: "image/png" }));
            }""",
            list(alone.png(picture)),
        )
        expected = reader.predict_proba(normalise(picture)[None])[0]
        (line,) = reading["lines"]
        (digit,) = line["digits"]
        np.testing.assert_allclose(digit["probabilities"], expected, atol=1e-3)
        assert digit["digit"] in (int(expected.argmax()), None)
        assert (digit["refused"] is None) == (expected.max() >= reader.threshold)


@pytest.mark.long
def test_refuses_as_python_does(alone):
    rng = np.random.default_rng(0)
    seen = set()
    for length in (1, 2, 3, 5, 9, 25) * 6:
        line = rng.dirichlet(np.full(10, 0.1), length)
        line[rng.random(length) < 0.7] = np.eye(10)[3]
        line = 0.999 * line + 0.0001
        told = alone.page.evaluate(
            """async ([line, threshold]) => {
              const { refusals } = await import("./refusing.js");
              return refusals(line, threshold);
            }""",
            [line.tolist(), 0.98],
        )
        ink = np.zeros((28, 28), np.uint8)
        spots = [Spot((0, 0, 1, 1), ink, probabilities) for probabilities in line]
        expected = refusals([spots], 0.98)[0]
        assert [reason and reason[:6] for reason in told] == [why and why[:6] for why in expected]
        seen |= {why and why[:6] for why in expected}
    assert seen == {None, "unsure", "not a "}


@pytest.mark.long
@pytest.mark.parametrize("digit", [2, 4, 9])
def test_reads_what_is_written_with_the_network_off(alone, digit):
    alone.write(digit)
    alone.sees(str(digit))


@pytest.mark.long
def test_reads_a_number_and_a_picture_and_refuses_with_the_network_off(alone, photo):
    for place, digit in enumerate((4, 0, 7)):
        alone.write(digit, x=0.02 + 0.3 * place, y=0.25, scale=0.38)
    alone.sees("407")
    assert alone.page.locator("#boxes > *").count() == 3
    grey, text = photo
    alone.open(grey[:200])
    alone.sees(text.split()[0])
    alone.open(np.full((200, 300), 240, np.uint8))
    alone.sees_words("nothing to read")
