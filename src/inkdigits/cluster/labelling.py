"""A reader over pieces of images: a Parquet file for each, written whole, so none is done twice."""

import csv
import hashlib
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from filelock import FileLock, Timeout
from tqdm import tqdm

from inkdigits.cluster.connection import connected
from inkdigits.cluster.pieces import Item, Piece, cut, read
from inkdigits.data import NAMED
from inkdigits.errors import DataError, InkdigitsError, UsageError
from inkdigits.files import whole_file
from inkdigits.images import Images
from inkdigits.reading import Reader
from inkdigits.reading.predictions import prediction_table, write_predictions

MANIFEST = "predictions.json"
BROKEN = "broken.csv"
_ASIDE = "broken"  # the folder of what the parts could not read
_BLOCK = 256  # images read before they are labelled together
_MOST_TASKS = 20_000


@dataclass(frozen=True)
class Labelled:
    """How many images are labelled in ``folder``, and how many could not be read."""

    folder: Path
    images: int
    broken: int
    parts: int


def label(
    reader: Path, sources: Sequence[str], folder: Path, address: str, *, show: bool = True
) -> Labelled:
    """Label the images of ``sources`` by the Ray at ``address``, into ``folder``/part-*.parquet.

    Workers take pieces of some thousand images, each writes a part. Called again, it goes on with
    the parts that are not there. What cannot be read is told in ``folder``/broken.csv. The sources
    and the folder must lie where every worker sees them. Raises DataError for sources that are
    none, UsageError if the folder was begun with others, or by another reader.
    """
    pieces = list(cut([s if s in NAMED else str(Path(s).resolve()) for s in sources]))
    content = Reader(reader).path.read_bytes()
    folder = folder.resolve()
    _begin(folder, hashlib.sha256(content).hexdigest(), pieces)
    with _alone(folder):
        (folder / _ASIDE).mkdir(exist_ok=True)
        return _label_rest(content, pieces, folder, address, show)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; InkdigitsError if another one labels into it."""
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise InkdigitsError(
            "another process is labelling into this folder; wait for it or stop it", folder
        ) from error


def _label_rest(
    reader: bytes, pieces: Sequence[Piece], folder: Path, address: str, show: bool
) -> Labelled:
    """Label the pieces whose parts are not there yet, and sum up."""
    waiting = [number for number in range(len(pieces)) if not _part(folder, number).exists()]
    if waiting:
        with (
            connected(address),
            tqdm(
                total=len(pieces),
                initial=len(pieces) - len(waiting),
                unit="part",
                file=sys.stderr,
                disable=None if show else True,
                leave=False,
            ) as bar,
        ):
            for _ in _labelled(reader, folder, {number: pieces[number] for number in waiting}):
                bar.update()
    return _finish(folder, len(pieces))


def _labelled(reader: bytes, folder: Path, pieces: dict[int, Piece]) -> Iterator[dict[str, Any]]:
    """Have Ray Data label the pieces; yields as each is done.

    Only a piece's description travels, and a worker asks for the next when it has done one, so
    memory and the queue stay as they are however many there are.
    """
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # set to INFO as it is loaded
    DataContext.get_current().enable_progress_bars = False
    workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
    rows = [{"number": number, "piece": json.dumps(p.as_dict())} for number, p in pieces.items()]
    tasks = ray.data.from_items(rows, override_num_blocks=min(len(rows), _MOST_TASKS))
    done = tasks.map(
        cast(Any, Labeller),
        fn_constructor_args=(reader, str(folder)),
        compute=ActorPoolStrategy(min_size=1, max_size=workers),
        num_cpus=1,
    )
    try:
        for row in done.iter_rows():
            if row["error"]:
                raise InkdigitsError(row["error"])
            yield row
    except ray.exceptions.RayError as error:
        words = str(error.__cause__ or error).strip().splitlines()[0]
        raise InkdigitsError(f"a worker failed ({words}); run the same again to go on") from error


class Labeller:
    """A worker: loads the reader once, then labels piece after piece."""

    def __init__(self, reader: bytes, folder: str) -> None:
        with tempfile.TemporaryDirectory() as place:
            path = Path(place, "reader.onnx")
            path.write_bytes(reader)
            self.reader = Reader(path, threads=1)
        self.folder = Path(folder)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Label the piece that ``row`` describes; returns its number, and what went wrong.

        Our errors do not travel whole, so their words do.
        """
        number, fields = int(row["number"]), json.loads(row["piece"])
        try:
            label_piece(self.reader, Piece(**fields), self.folder, number)
        except InkdigitsError as error:
            return {"number": number, "error": str(error)}
        return {"number": number, "error": ""}


def label_piece(reader: Reader, piece: Piece, folder: Path, number: int) -> None:
    """Write a piece's part, and before it, if any of its images are broken, which and why."""
    with ExitStack() as stack:

        def whole(items: Iterator[Item]) -> Iterator[tuple[str, Images]]:
            broken = None
            for name, image in items:
                if not isinstance(image, str):
                    yield name, image
                    continue
                if broken is None:
                    path = folder / _ASIDE / f"{number:06}.csv"
                    broken = stack.enter_context(_broken_file(path))
                broken((name, image))
            stack.close()

        def tables() -> Iterator[pa.Table]:
            yield prediction_table([], np.empty((0, 10), np.float32), reader.threshold)
            items = whole(read(piece))
            while block := list(islice(items, _BLOCK)):
                names, images = zip(*block, strict=True)
                scores = reader.predict_proba(np.stack(images))
                yield prediction_table(names, scores, reader.threshold)

        write_predictions(_part(folder, number), tables())


def _part(folder: Path, number: int) -> Path:
    return folder / f"part-{number:06}.parquet"


@contextmanager
def _broken_file(path: Path) -> Iterator[Callable[[Sequence[str]], Any]]:
    """Write a file of broken images; yields what takes a row of it."""
    with (
        whole_file(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="replace", newline="") as file,
    ):
        write = csv.writer(file).writerow
        write(("image", "reason"))
        yield write


def _begin(folder: Path, reader: str, pieces: Sequence[Piece]) -> None:
    """Note in ``folder`` what is to be done, or see that it is what was begun there."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(json.dumps(piece.as_dict()).encode())
    asked = {"reader": reader, "pieces": len(pieces), "images": digest.hexdigest()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InkdigitsError(f"cannot be made ({error.strerror})", folder) from error
    path = folder / MANIFEST
    if path.exists():
        try:
            begun = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise DataError("damaged; name another folder with -o", path) from error
        if begun != asked:
            what = "another reader" if begun.get("reader") != reader else "other images"
            raise UsageError(f"was begun with {what}; name another folder with -o", folder)
        return
    if any(folder.iterdir()):
        raise UsageError("is not empty; name another folder with -o", folder)
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(asked, indent=1) + "\n")


def _finish(folder: Path, parts: int) -> Labelled:
    """Put together what was broken, and count."""
    import pyarrow.parquet as pq

    images = sum(pq.read_metadata(_part(folder, number)).num_rows for number in range(parts))
    broken, aside = 0, sorted((folder / _ASIDE).glob("*.csv"))
    if aside:
        with _broken_file(folder / BROKEN) as write:
            for path in aside:
                with path.open(encoding="utf-8", newline="") as file:
                    for row in islice(csv.reader(file), 1, None):
                        write(row)
                        broken += 1
    for left in (*folder.glob(".inkdigits-*"), *(folder / _ASIDE).glob(".inkdigits-*")):
        left.unlink(missing_ok=True)  # by workers that were killed
    return Labelled(folder, images, broken, parts)
