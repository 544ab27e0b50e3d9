"""The folder of a training: what was asked, how it went, and the reader it ended in."""

import hashlib
import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from inkdigits.errors import DataError, InkdigitsError, UsageError
from inkdigits.files import whole_file

_SEAL = "sha256"


class Run:
    """A folder with run.json, metrics.jsonl, checkpoint/, reader.onnx and report/ in it.

    ``run.json`` is there before anything else, so whatever is killed can be resumed; its
    ``result`` is written last, so a run that has one is complete.
    """

    def __init__(self, folder: Path) -> None:
        """Open a run; DataError if ``folder`` is none."""
        self.folder = folder
        self.checkpoint = folder / "checkpoint"
        self.metrics = folder / "metrics.jsonl"
        self.reader = folder / "reader.onnx"
        self.report = folder / "report"
        path = folder / "run.json"
        try:
            self.manifest = _checked(json.loads(path.read_text()))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DataError(
                "this is no run: it has no run.json; name a folder in runs/", folder
            ) from error
        except OSError as error:
            raise DataError(
                f"cannot be read ({error.strerror}); see that it may be read", path
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(
                "damaged or changed; bring it back, or start the training anew", path
            ) from error

    @property
    def result(self) -> dict[str, Any] | None:
        """What the training ended with, or None while it has not ended."""
        return self.manifest.get("result")

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to do: a reader that was lost is written anew."""
        return self.result is not None and self.reader.exists()

    @property
    def resuming(self) -> str:
        """The command that goes on with it, as a shell takes it."""
        return shlex.join(["inkdigits", "train", "--resume", str(self.folder)])

    def finish(self, result: Mapping[str, Any]) -> None:
        """Note the result, which makes the run complete."""
        self.manifest["result"] = dict(result)
        _write_manifest(self.folder, self.manifest)

    def write_metrics(self, history: list[dict[str, float]]) -> None:
        """Write ``metrics.jsonl``, one line for each epoch measured so far."""
        with whole_file(self.metrics) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in history))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process; InkdigitsError if another one trains in it."""
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise InkdigitsError(
                "another process is training in this run; wait for it or stop it", self.folder
            ) from error
        except OSError as error:
            raise InkdigitsError(
                f"cannot be written ({error.strerror}); make it writable, or go on with a copy",
                self.folder,
            ) from error
        try:
            for left in self.folder.glob(".inkdigits-*"):  # by a process that was killed
                left.unlink(missing_ok=True)
            yield
        finally:
            lock.release()


def _checked(written: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest; any of the errors caught above if it is not what was written.

    One without a hash counts as whole, if it has what a run goes on by.
    """
    manifest = {name: value for name, value in written.items() if name != _SEAL}
    if written.get(_SEAL, json_sha256(manifest)) != json_sha256(manifest):
        raise ValueError("not what was written")
    needed = {
        "recipe": {"name", "epochs", "validation_fraction"},
        "data": {"source", "fingerprint"},
    }
    for name, keys in needed.items():
        if not keys <= manifest[name].keys():
            raise KeyError(name)
    if not {"model", "seed", "precision"} <= manifest.keys():
        raise KeyError("model")
    return manifest


def create_run(folder: Path | None, default_name: str, manifest: Mapping[str, Any]) -> Run:
    """Make a run at ``folder``, or at the first free ``runs/<default_name>-<number>``.

    The folder appears with its ``run.json`` in it. Raises UsageError if ``folder`` exists, and
    InkdigitsError where it cannot be written.
    """
    if folder is not None and folder.exists():
        again = shlex.join(["--resume", str(folder)])
        raise UsageError(
            f"exists already; go on with it by {again}, or name another folder", folder
        )
    parent = Path("runs") if folder is None else folder.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".inkdigits-", dir=parent))
    except OSError as error:
        raise _no_room(parent, error) from error
    try:
        made.chmod(0o755)
        (made / "checkpoint").mkdir()
        _write_manifest(made, manifest)
        if folder is not None:
            made.rename(folder)
            return Run(folder)
        for number in range(1, 1_000_000):
            target = parent / f"{default_name}-{number}"
            if not target.exists():
                try:
                    made.rename(target)
                except OSError:  # taken meanwhile by another process
                    continue
                return Run(target)
        raise InkdigitsError("there are too many runs here; name a folder", parent)
    except OSError as error:
        raise _no_room(parent, error) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _no_room(parent: Path, error: OSError) -> InkdigitsError:
    return InkdigitsError(
        f"no run can be made here ({error.strerror}); name a folder elsewhere by -o", parent
    )


def find_begun(folder: Path | None, default_name: str, asked: Mapping[str, Any]) -> Run | None:
    """Return the run at ``folder`` if it was begun as is ``asked`` now; None if there is none.

    Where no folder is named, the latest of ``runs/<default_name>-<number>`` that has not ended.
    """
    named = folder is not None
    paths = [folder] if folder is not None else Path("runs").glob(f"{default_name}-*")
    begun = []
    for path in paths:
        with suppress(DataError):
            run = Run(path)
            same = all(run.manifest.get(key) == value for key, value in asked.items())
            if same and (named or run.result is None):
                begun.append((path.stat().st_mtime, run))
    return max(begun, key=lambda pair: pair[0])[1] if begun else None


def latest_run(folder: Path = Path("runs")) -> Run:
    """Return the run in ``folder`` that ended last; DataError if none there has ended."""
    ended = []
    for path in folder.glob("*/run.json"):
        with suppress(DataError):  # a damaged one is passed over
            run = Run(path.parent)
            if run.result is not None:
                ended.append((path.stat().st_mtime, run.folder.name, run))
    if not ended:
        raise DataError("there is no finished run here; train first: inkdigits train", folder)
    return max(ended)[-1]


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    with whole_file(folder / "run.json") as temporary:
        sealed = {**manifest, _SEAL: json_sha256(manifest)}
        temporary.write_text(json.dumps(sealed, indent=1) + "\n")


def json_sha256(content: Any) -> str:
    """Return the hash of what JSON can hold, whatever the order of its names."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
