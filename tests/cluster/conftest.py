import io
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image

from inkdigits.data import load


def png(image):
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


@pytest.fixture(scope="session")
def digits():
    return load("mnist").test.take(np.arange(200))


@pytest.fixture(scope="session")
def mixed(digits, tmp_path_factory):
    """A folder with 130 digits in pictures, Parquet and archives, and three broken pictures."""
    folder = tmp_path_factory.mktemp("mixed")
    pictures = [png(image) for image in digits.images[:130]]
    (folder / "deep" / "er").mkdir(parents=True)
    for number in range(10):
        (folder / "deep" / "er" / f"{number:03}.png").write_bytes(pictures[number])
    (folder / "broken.png").write_bytes(pictures[0][:60])
    (folder / "notes.txt").write_text("no picture")
    with zipfile.ZipFile(folder / "some.zip", "w") as archive:
        archive.writestr("readme.md", "no picture")
        archive.writestr("bad.png", b"nothing")
        for number in range(10, 40):
            archive.writestr(f"{number:03}.png", pictures[number])
    with tarfile.open(folder / "more.tar.gz", "w:gz") as archive:
        for number in range(40, 60):
            member = tarfile.TarInfo(f"in/{number:03}.png")
            member.size = len(pictures[number])
            archive.addfile(member, io.BytesIO(pictures[number]))
    rows = [{"bytes": content, "path": None} for content in pictures[60:]]
    rows[5] = {"bytes": b"", "path": None}
    table = pa.table({"image": rows, "label": digits.labels[60:130]})
    pyarrow.parquet.write_table(table, folder / "rest.parquet", row_group_size=33)
    return folder


@pytest.fixture
def inkdigits():
    """Run the command; the processes that it starts are ended with it."""

    def run(*words, **options):
        with started(*words, **options) as process:
            out, told = process.communicate(timeout=300)
        return process.returncode, out, told

    return run


@contextmanager
def started(*words, **options):
    process = subprocess.Popen(
        [sys.executable, "-m", "inkdigits", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process):
    """Kill a command as a lost machine would end it: with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)


def wait_until(true, process):
    end = time.monotonic() + 200
    while time.monotonic() < end:
        if true():
            return
        assert process.poll() is None, process.communicate(timeout=60)
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


def find_process(title):
    """Return the number of a process that calls itself by ``title``, None if there is none."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has gone meanwhile
            if (folder / "cmdline").read_bytes().startswith(title.encode()):
                return int(folder.name)
    return None
