"""Digit images to digits, by one file, on ONNX Runtime."""

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkdigits.errors import DataError
from inkdigits.images import SIZE, Images, check_images
from inkdigits.reading.answer import Picture
from inkdigits.reading.answer import read as read_with
from inkdigits.reading.readings import Reading
from inkdigits.reading.seal import is_whole

# Unless told before it is imported, ONNX Runtime notes what is run, to be sent to its makers.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort  # see above

FORMAT = "1"
CLASSES = tuple("0123456789")
SHIPPED = Path(__file__).with_name("reader.onnx")
BATCH = 64  # measured: as quick as any larger one, and the least memory

Scores = NDArray[np.float32]


class Reader:
    """A trained network that reads digit images, from the file that training ends in.

    ``path``: a file or the run folder it lies in, by default the reader that ships; ``threads``:
    how many the network runs on, by default one for each core; ``classes``: the names of the ten
    digits; ``temperature``: what the logits are divided by for calibrated probabilities;
    ``threshold``: below this probability an answer is better refused; ``recipe`` and
    ``provenance``: how and from what the network was trained.
    Reading changes nothing in it, so threads may share one.

    Raises DataError for a file that is missing, damaged or not written by inkdigits.
    """

    def __init__(self, path: Path | str | None = None, *, threads: int | None = None) -> None:
        self.path = SHIPPED if path is None else Path(path)
        with suppress(OSError):  # out of reach, which opening it tells
            if self.path.is_dir():
                self.path /= "reader.onnx"
        if path is None and not SHIPPED.exists():
            raise DataError("the reader that ships is missing; install inkdigits anew", SHIPPED)
        self._session = _open(self.path, threads or cores())
        about = _about(self._session, self.path)
        _check_format(about, self.path)
        _check_graph(self._session, self.path)
        self.classes = CLASSES
        self.temperature = _number(about, "temperature", self.path)
        self.threshold = _number(about, "threshold", self.path)
        self.recipe = _mapping(about, "recipe", self.path)
        self.provenance = _mapping(about, "provenance", self.path)
        if not (self.temperature > 0 and 0 <= self.threshold <= 1):
            raise _damaged(self.path, "its temperature or threshold is out of range")
        try:
            self.origin()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _damaged(self.path, "its provenance is not as inkdigits writes it") from error
        self._try_out()

    def predict(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the likeliest digit of each image, uint8 (N,); ``images`` as in check_images."""
        digits: NDArray[np.intp] = self.predict_proba(images).argmax(axis=1)
        return digits.astype(np.uint8)

    def predict_proba(self, images: NDArray[Any]) -> Scores:
        """Return calibrated probabilities, float32 (N, 10), whose rows sum to 1."""
        return self._run("probabilities", images)

    def logits(self, images: NDArray[Any]) -> Scores:
        """Return the network's own outputs before temperature and softmax, float32 (N, 10)."""
        return self._run("logits", images)

    def read(self, picture: Picture, *, one: bool = False) -> Reading:
        """Find and read the digits in a picture, in lines from top to bottom.

        ``picture``: a file's path, its bytes, a PIL image or grey uint8 (H, W); one that is a digit
        image already is read as it is. ``one``: exactly one digit is expected, so several are
        refused. What is unsure or no digit is refused with the reason, never an error. Raises
        DataError for a file that is no picture, damaged or too large.
        """
        return read_with(picture, self.predict_proba, self.threshold, one=one)

    def _run(self, output: str, images: NDArray[Any]) -> Scores:
        checked = check_images(images)
        scores = np.empty((len(checked), len(CLASSES)), np.float32)
        for start in range(0, len(checked), BATCH):  # in batches, so that memory stays bounded
            batch = slice(start, start + BATCH)
            scores[batch] = self._session.run([output], {"images": checked[batch]})[0]
        return scores

    def _try_out(self) -> None:
        blank: Images = np.zeros((1, SIZE, SIZE), np.uint8)
        try:
            total = float(self.predict_proba(blank).sum())
        except Exception as error:  # ONNX Runtime's errors share no base class of their own
            raise _damaged(self.path, "its network does not run") from error
        if not abs(total - 1) < 1e-3:
            raise _damaged(self.path, "its probabilities do not sum to 1")

    @property
    def sha256(self) -> str:
        """The hash of its file, which tells one reader from another."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @property
    def network(self) -> str:
        """The name of its architecture; of several that were joined, all names."""
        own, asks = self.provenance.get("model", "unknown"), self.provenance.get("asks")
        readers = asks.get("readers") if isinstance(asks, dict) else None
        if not readers:
            return str(own)
        surer = Counter(reader["provenance"].get("model", "another") for reader in readers)
        told = (name if count == 1 else f"{count} {name}" for name, count in surer.items())
        return f"{own}, which asks {' and '.join(told)}"

    def origin(self) -> dict[str, str]:
        """Tell in words what was trained, on what and how."""
        about = self.provenance
        data, versions = about.get("data", {}), about.get("versions", {})
        epochs = self.recipe.get("epochs")
        epoch = "epoch" if epochs == 1 else "epochs"
        return {
            "network": self.network,
            "trained on": f"{data.get('source', 'unknown')} ({data.get('images', 0):,} images)",
            "recipe": f"{self.recipe.get('name', 'unknown')}, {epochs} {epoch}",
            "seed": str(about.get("seed")),
            "computed in": f"{about.get('precision')} on {about.get('device')}",
            "made by": ", ".join(
                f"{name} {number}"
                for name, number in {"inkdigits": about.get("inkdigits"), **versions}.items()
            ),
            "temperature": f"{self.temperature:.3f}",
            "refuses below": f"{self.threshold:.4f}",
        }

    def __repr__(self) -> str:
        return f"Reader({str(self.path)!r}: {self.network}, threshold {self.threshold:.3f})"


def read(picture: Picture, *, one: bool = False) -> Reading:
    """Find and read the digits in a picture with the reader that ships; as Reader.read."""
    return _shipped().read(picture, one=one)


@cache
def _shipped() -> Reader:
    return Reader()


def _open(path: Path, threads: int) -> ort.InferenceSession:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror}); give a reader.onnx, or a run that has ended", path
        ) from error
    if not content:
        raise DataError("the file is empty; export the reader anew", path)
    if not is_whole(content):
        raise _damaged(path, "it is not what was written")
    options = ort.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised, and need not be printed as well
    options.intra_op_num_threads = threads
    # A reader is one file: weights kept in other files are looked for where none can be.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", os.devnull
    )
    try:
        return ort.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # ONNX Runtime's errors share no base class of their own
        raise DataError(
            "is damaged or not an ONNX file that is complete in itself; "
            "give a reader.onnx written by inkdigits",
            path,
        ) from error


def _about(session: ort.InferenceSession, path: Path) -> dict[str, str]:
    """Return what the file tells of itself besides its graph."""
    try:
        return dict(session.get_modelmeta().custom_metadata_map)
    except UnicodeDecodeError as error:
        raise _damaged(path, "what it tells of itself is no text") from error


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_format(about: Mapping[str, str], path: Path) -> None:
    version = about.get("inkdigits")
    if version is None:
        raise DataError("not a reader written by inkdigits; train one, or name another file", path)
    if version != FORMAT:
        raise DataError(
            f"a reader of format {version[:20]!r}, where this inkdigits knows {FORMAT!r}; "
            "use the inkdigits that wrote it, or a newer one",
            path,
        )
    if _json(about, "classes", path) != list(CLASSES):
        raise _damaged(path, "its classes are not the ten digits")


def _check_graph(session: ort.InferenceSession, path: Path) -> None:
    """Check names, types and shapes; a size that is not a number stands for any batch."""
    ins = [(i.name, i.type, i.shape[1:]) for i in session.get_inputs()]
    outs = [(o.name, o.type, o.shape[1:]) for o in session.get_outputs()]
    fixed = any(isinstance(value.shape[0], int) for value in session.get_inputs() if value.shape)
    if fixed or ins != [("images", "tensor(uint8)", [SIZE, SIZE])]:
        raise _damaged(path, "its network does not take images uint8 (N, 28, 28)")
    if outs != [(name, "tensor(float)", [len(CLASSES)]) for name in ("logits", "probabilities")]:
        raise _damaged(path, "its network does not give logits and probabilities (N, 10)")


def _number(about: Mapping[str, str], key: str, path: Path) -> float:
    try:
        value = float(about.get(key, ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _damaged(path, f"its {key} is not a number")
    return value


def _mapping(about: Mapping[str, str], key: str, path: Path) -> dict[str, Any]:
    value = _json(about, key, path)
    if not isinstance(value, dict):
        raise _damaged(path, f"its {key} is not a table of names and values")
    return value


def _json(about: Mapping[str, str], key: str, path: Path) -> object:
    try:
        return json.loads(about.get(key, ""))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"its {key} cannot be read") from error


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"the reader is damaged: {what}; export or copy it anew", path)
