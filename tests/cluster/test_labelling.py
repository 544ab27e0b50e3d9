"""Many images labelled by Ray: every one once, whatever is killed on the way."""

import csv
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image

from inkdigits.cluster.connection import connected
from inkdigits.cluster.labelling import Labeller, label, label_piece
from inkdigits.cluster.pieces import cut
from inkdigits.errors import DataError, InkdigitsError, UsageError
from inkdigits.reading import Reader
from inkdigits.reading.reader import SHIPPED

from .conftest import started, wait_until

pytestmark = pytest.mark.long


def parts(folder):
    return sorted(folder.glob("part-*.parquet"))


def table(folder):
    return pa.concat_tables([pyarrow.parquet.read_table(path) for path in parts(folder)])


def test_labels_a_mixed_folder_as_the_reader_does(inkdigits, mixed, digits, tmp_path):
    words = ("predict", SHIPPED, mixed, "-o", tmp_path / "out", "--json", "--cluster")
    code, out, told = inkdigits(*words)
    assert code == 0, told
    assert {"n": 129, "broken": 3}.items() <= json.loads(out).items()
    found = table(tmp_path / "out")
    assert len(set(found["image"].to_pylist())) == found.num_rows == 129
    reader = Reader()
    alone = {f"{mixed}/deep/er/{i:03}.png": digits.images[i] for i in range(10)}
    rows = {row["image"]: row for row in found.to_pylist()}
    for name, image in alone.items():
        (scores,) = reader.predict_proba(image[None])
        assert rows[name]["label"] == scores.argmax()
        assert rows[name]["probability"] == pytest.approx(scores.max(), abs=1e-5)
        assert (rows[name]["refused"] is None) == (scores.max() >= reader.threshold)
    with (tmp_path / "out" / "broken.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 3
    before = {path: path.stat().st_mtime_ns for path in parts(tmp_path / "out")}
    assert inkdigits(*words)[:2] == (code, out)
    assert {path: path.stat().st_mtime_ns for path in parts(tmp_path / "out")} == before


@pytest.mark.skipif(sys.platform != "linux", reason="kills a session of processes")
def test_killed_half_way_it_goes_on_and_labels_each_image_once(inkdigits, digits, tmp_path):
    for number in range(60):
        place = tmp_path / "images" / f"{number:02}"
        place.mkdir(parents=True)
        for i, image in enumerate(digits.images[:40]):
            Image.fromarray(image).save(place / f"{i}.png")
    out = tmp_path / "out"
    words = ("predict", SHIPPED, tmp_path / "images", "-o", out, "--json", "--cluster")
    with started(*words) as process:
        wait_until(lambda: len(parts(out)) >= 5, process)
    done = {path: path.stat().st_mtime_ns for path in parts(out)}
    assert 5 <= len(done) < 60
    code, told, errors = inkdigits(*words)
    assert code == 0, errors
    assert json.loads(told)["n"] == 2400
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())
    names = table(out)["image"].to_pylist()
    assert len(names) == len(set(names)) == 2400
    assert {path.name for path in out.iterdir()} == {
        "predictions.json", "broken", ".lock", *(path.name for path in parts(out)),
    }  # fmt: skip


def test_a_piece_takes_memory_for_a_block_only(mixed, tmp_path, monkeypatch):
    monkeypatch.setattr("inkdigits.cluster.labelling._BLOCK", 8)
    seen = []
    reader = Reader()
    predict = reader.predict_proba
    monkeypatch.setattr(reader, "predict_proba", lambda x: seen.append(len(x)) or predict(x))
    (tmp_path / "broken").mkdir()
    for number, piece in enumerate(cut([str(mixed)])):
        label_piece(reader, piece, tmp_path, number)
    assert max(seen) <= 8
    assert table(tmp_path).num_rows == 129


def test_what_a_worker_cannot_write_is_told(mixed, tmp_path):
    labeller = Labeller(SHIPPED.read_bytes(), str(tmp_path / "none"))
    piece = next(cut([str(mixed / "some.zip")]))
    told = labeller({"number": 0, "piece": json.dumps(piece.as_dict())})["error"]
    assert told.startswith(f"{tmp_path}/none/")
    assert "cannot be written" in told


def test_another_reader_or_other_images_are_refused(mixed, tmp_path):
    out = tmp_path / "out"
    (out / "broken").mkdir(parents=True)
    (out / "predictions.json").write_text(json.dumps({"reader": "another"}))
    with pytest.raises(UsageError, match="begun with another reader"):
        label(SHIPPED, [str(mixed)], out, "here", show=False)
    begun = {"reader": Reader().sha256, "pieces": 1, "images": "others"}
    (out / "predictions.json").write_text(json.dumps(begun))
    with pytest.raises(UsageError, match="begun with other images"):
        label(SHIPPED, [str(mixed)], out, "here", show=False)
    (out / "predictions.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        label(SHIPPED, [str(mixed)], out, "here", show=False)
    (out / "predictions.json").rename(out / "mine.json")
    with pytest.raises(UsageError, match="not empty"):
        label(SHIPPED, [str(mixed)], out, "here", show=False)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "letter.txt").touch()
    with pytest.raises(UsageError, match="not empty"):
        label(SHIPPED, [str(mixed)], tmp_path / "theirs", "here", show=False)
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["letter.txt"]


def test_two_at_once_do_not_mix(mixed, tmp_path, monkeypatch):
    words = (SHIPPED, [str(mixed)], tmp_path / "out", "here")

    def meanwhile(*_):
        label(*words, show=False)

    monkeypatch.setattr("inkdigits.cluster.labelling._label_rest", meanwhile)
    with pytest.raises(InkdigitsError, match="another process is labelling into this folder"):
        label(*words, show=False)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no.such.host.invalid:6379", "nonsense"])
def test_a_wrong_address_is_told_at_once(address, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "t" * 32)
    with pytest.raises(InkdigitsError, match="Ray cannot be reached"), connected(address):
        pass


def test_much_that_is_broken_is_told_in_the_end(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}").mkdir()
        for name in "ab":
            (tmp_path / f"{number}" / f"{name}.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    (out / "broken").mkdir(parents=True)
    for number, piece in enumerate(cut([str(tmp_path)])):
        label_piece(Reader(), piece, out, number)
        assert pyarrow.parquet.read_metadata(parts(out)[number]).num_rows == 0
        with (out / "broken" / f"{number:06}.csv").open(newline="") as file:
            assert [row["image"] for row in csv.DictReader(file)] == [
                f"{tmp_path}/{number}/{name}.png" for name in "ab"
            ]


@pytest.mark.parametrize("address", ["127.0.0.1:6379", "ray://cluster:10001", "auto"])
def test_a_cluster_that_runs_already_wants_a_token(address, monkeypatch):
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with pytest.raises(UsageError, match="RAY_AUTH_MODE=token"), connected(address):
        pass


STRANGER = """
import sys, ray
try:
    ray.init(address=sys.argv[1], log_to_driver=False)
except BaseException as error:
    print("refused:", type(error).__name__)
    raise SystemExit(0)
print("let in")
"""

# Asks Ray's own processes, too, wherever they listen beyond loopback.
HOST = """
import http.client, os, subprocess, sys, urllib.error, urllib.request
from inkdigits.cluster.connection import HERE, connected
with connected(HERE):
    import ray
    import psutil  # comes with Ray
    words = [sys.executable, sys.argv[1], ray.get_runtime_context().gcs_address]
    for token in (os.environ["RAY_AUTH_TOKEN"], "guessed" * 10):
        subprocess.run(words, env=os.environ | {"RAY_AUTH_TOKEN": token})
    found = [p for parent in psutil.Process().children() for p in (parent, *parent.children())]
    for process in found:
        for connection in process.net_connections("tcp"):
            host, port = connection.laddr if connection.laddr else ("", 0)
            if connection.status != "LISTEN" or host.startswith("127."):
                continue
            host = "127.0.0.1" if host in ("::", "0.0.0.0") else host
            try:
                with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=20) as answer:
                    print("open", answer.status, process.cmdline())
            except urllib.error.HTTPError as error:
                print("closed", error.code)
            except (OSError, http.client.HTTPException):
                print("closed")  # it speaks gRPC
"""


def test_only_who_has_the_token_is_let_in(tmp_path):
    (tmp_path / "stranger.py").write_text(STRANGER)
    (tmp_path / "host.py").write_text(HOST)
    words = [sys.executable, tmp_path / "host.py", tmp_path / "stranger.py"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=200)
    first, second, *ports = done.stdout.splitlines()
    assert first == "let in", done.stderr
    assert second.startswith("refused"), done.stderr
    assert len(ports) >= 3
    assert all(port.startswith("closed") for port in ports), ports
