"""The command line: words in; a result or one line on what is wrong, and an exit code, out."""

import argparse
import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from inkdigits import __version__, verbs
from inkdigits.errors import InkdigitsError, Interrupted, UsageError

DATA_HELP = (
    "mnist, mnist42k, or a path: Kaggle's train.csv or test.csv (also .gz, .zip), IDX files, "
    ".npz, Parquet, or a folder with one folder of pictures per digit"
)
READER_HELP = "a reader.onnx, or the run folder it lies in"


class Parser(argparse.ArgumentParser):
    """argparse, with wrong usage told in one line, and no word taken for a longer one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError where argparse would print its usage and exit."""
        raise UsageError(f"{message}; see {self.prog} --help")


def build_parser() -> Parser:
    """Return the parser of all verbs."""
    parser = Parser(prog="inkdigits", description="Reads handwritten digits.")
    parser.add_argument("--version", action="version", version=f"inkdigits {__version__}")
    group = parser.add_subparsers(metavar="VERB", required=True, parser_class=Parser)

    verb = _add(
        group, "train", verbs.train, "train a network; ends in a reader, its accuracy and a report"
    )
    source = verb.add_mutually_exclusive_group()
    source.add_argument("data", nargs="?", metavar="DATA", help=f"{DATA_HELP}; default mnist42k")
    source.add_argument("--resume", type=Path, metavar="RUN", help="go on with a stopped run")
    verb.add_argument("--model", help="see inkdigits models; default the recipe's own")
    verb.add_argument("--recipe", help="how to train; default report")
    verb.add_argument("--epochs", type=int, help="in place of the recipe's number")
    verb.add_argument(
        "--teacher",
        action="append",
        type=Path,
        metavar="RUN",
        help="a finished run to learn from; several by giving it several times",
    )
    verb.add_argument("--seed", type=int, help="of split, weights and draws; default 0")
    verb.add_argument(
        "-o", "--output", type=Path, metavar="RUN", help="folder; default the next in runs/"
    )
    _add_at_least(verb)

    verb = _add(
        group, "join", verbs.join, "make one reader of several: a quick one, which asks surer ones"
    )
    verb.add_argument("quick", type=Path, metavar="QUICK", help=READER_HELP)
    verb.add_argument(
        "sure", type=Path, nargs="+", metavar="SURE", help="trained on the same data and seed"
    )
    verb.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the reader to write"
    )

    verb = _add(
        group, "evaluate", verbs.evaluate, "measure a reader on labelled images; writes a report"
    )
    verb.add_argument("reader", type=Path, metavar="READER", help=READER_HELP)
    verb.add_argument("data", metavar="DATA", help=DATA_HELP)
    verb.add_argument(
        "-o", "--output", type=Path, default=Path("report"), metavar="FOLDER", help="default report"
    )
    _add_at_least(verb)

    verb = _add(group, "predict", verbs.predict, "label a data set; Kaggle's form for its test.csv")
    verb.add_argument("reader", type=Path, metavar="READER", help=READER_HELP)
    verb.add_argument("data", nargs="+", metavar="DATA", help=DATA_HELP)
    verb.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE",
        help=".csv or .parquet; with --cluster a folder",
    )  # fmt: skip
    _add_cluster(verb)

    verb = _add(group, "read", verbs.read, "find and read the digits in pictures, line by line")
    verb.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    verb.add_argument("--reader", type=Path, help=f"{READER_HELP}; default the one that ships")
    verb.add_argument("--one", action="store_true", help="expect one digit; refuse several")
    verb.add_argument(
        "--boxes", type=Path, metavar="PNG", help="draw what was found; for one IMAGE"
    )

    verb = _add(
        group, "compare", verbs.compare, "train several networks alike; shows what each makes of it"
    )
    verb.add_argument("models", nargs="*", metavar="MODEL", help="see inkdigits models")
    verb.add_argument("--study", help="a fixed comparison in place of MODELs: depth")
    verb.add_argument("--data", metavar="DATA", help=f"{DATA_HELP}; default mnist42k")
    verb.add_argument("--recipe", help="how to train; default report")
    verb.add_argument("--seeds", type=int, metavar="N", help="trainings of each; default 3")
    verb.add_argument("--epochs", type=int, help="in place of the recipe's number")
    verb.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER",
        help="goes on where it stopped if it exists; default a name from the settings, in runs/",
    )  # fmt: skip
    _add_cluster(verb)

    verb = _add(group, "explain", verbs.explain, "show what each layer does to an image, as a page")
    verb.add_argument(
        "image", metavar="IMAGE", help="a picture of one digit, or a data set's: mnist:17"
    )
    verb.add_argument(
        "--run", dest="run_folder", type=Path, metavar="RUN", help="default the latest in runs/"
    )
    verb.add_argument(
        "-o", "--output", type=Path, default=Path("explanation"), metavar="FOLDER",
        help="default explanation",
    )  # fmt: skip

    verb = _add(group, "serve", verbs.serve, "answer over HTTP, with a page to try the reader on")
    verb.add_argument(
        "--reader", type=Path, metavar="READER", help=f"{READER_HELP}; default the one that ships"
    )
    verb.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1: this machine only")
    verb.add_argument("--port", type=int, default=8000, help="default 8000; 0 takes a free one")
    verb.add_argument(
        "--allow-origin", action="append", default=[], metavar="ORIGIN",
        help="another site whose pages may use it, as in https://example.org; may be repeated",
    )  # fmt: skip

    verb = _add(
        group, "export", verbs.export, "write the page with its reader as files, for any web server"
    )
    verb.add_argument("--web", type=Path, required=True, metavar="FOLDER", help="where to")
    verb.add_argument(
        "--reader", type=Path, metavar="READER", help=f"{READER_HELP}; default the one that ships"
    )
    verb.add_argument(
        "--onnxruntime-web", type=Path, metavar="PACKAGE",
        help="npm's package of that name, .tgz or folder; default npm is asked for it",
    )  # fmt: skip

    verb = _add(group, "models", verbs.models, "list the architectures, or show the layers of one")
    verb.add_argument("name", nargs="?", metavar="NAME")
    verb.add_argument("--paper", action="store_true", help="as the paper has it, not for digits")

    verb = _add(group, "data", verbs.data, "show what is in a data set: counts, examples, doubts")
    verb.add_argument("data", nargs="?", default="mnist42k", metavar="DATA", help=DATA_HELP)
    verb.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER", help="also write a page with figures"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 done, 1 failed, 2 wrong usage, 3 bad data, 4 below a quality asked for, 130 interrupted.
    """
    _fill_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may hold what it cannot encode
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone, as in `inkdigits models | head`
        return 1


def _fill_missing_streams() -> None:
    """Where a standard stream came closed, take its place, or the next file opened would have it.

    What is told on stderr then goes nowhere; ``_tell`` says that stdout is closed.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115  # for the whole process


def _run(words: list[str]) -> int:
    as_json = "--json" in words
    try:
        options = build_parser().parse_args(words)
        options.command = ["inkdigits", *words]
        with terminable():
            result, text = options.run(options)
        return _tell(json.dumps(result) if as_json else text) or int(options.exit_code)
    except InkdigitsError as error:
        return _fail(error, as_json)
    except ModuleNotFoundError as error:
        if error.name in ("fastapi", "starlette", "uvicorn", "prometheus_client", "msgspec"):
            need = "the service needs more: pip install 'inkdigits[serve]'"
            return _fail(InkdigitsError(need), as_json)
        if error.name == "ray":
            return _fail(
                InkdigitsError("a cluster needs more: pip install 'inkdigits[cluster]'"), as_json
            )
        if error.name not in ("torch", "numba", "onnx", "safetensors", "filelock"):
            raise
        return _fail(InkdigitsError("training needs more: pip install 'inkdigits[train]'"), as_json)
    except KeyboardInterrupt as error:
        if words[:1] == ["serve"]:  # which is told so when it is to stop, here before it began
            return _tell(
                '{"address": null, "answered": 0}' if as_json else "stopped after 0 answers"
            )
        told = error.__context__  # what was about to be told when another signal came
        if not isinstance(told, Interrupted):
            told = Interrupted("stopped before it was done; nothing is half-written")
        return _fail(told, as_json)
    except MemoryError:
        return _fail(InkdigitsError("out of memory; give fewer images"), as_json)


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM, too, raise KeyboardInterrupt in the block, so that it is answered with words.

    Once stopping is being answered SIGINT is ignored, until the process has ended: one more of
    several would end the answer in a traceback.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGTERM, stop)
    if former[signal.SIGINT] is signal.default_int_handler:  # not ignored, as in the background
        signal.signal(signal.SIGINT, stop)
    try:
        yield
    except (Interrupted, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise
    finally:
        for number, handler in former.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, handler)


def _tell(text: str) -> int:
    """Print to stdout; if it is closed, or takes no more, say so on stderr and return 1."""
    if sys.stdout is None:
        reason = "the result cannot be written, since stdout is closed; send it somewhere"
        return _fail(InkdigitsError(reason), as_json=False)
    try:
        print(text, end="\n" if text else "", flush=True)
        return 0
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is left in the buffer would fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        reason = f"the result cannot be written ({error.strerror}); see that there is space"
        return _fail(InkdigitsError(reason), as_json=False)


def _fail(error: InkdigitsError, as_json: bool) -> int:
    if as_json:
        told = {"kind": error.kind, "message": error.message, "where": error.where}
        return _tell(json.dumps({"error": told})) or error.exit_code
    print(f"inkdigits: {' '.join(str(error).split())}", file=sys.stderr)
    return error.exit_code


def _add(
    group: Any, name: str, run: Callable[..., verbs.Answer], summary: str
) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = group.add_parser(name, help=summary, description=summary)
    verb.set_defaults(run=run, exit_code=0)
    verb.add_argument("--json", action="store_true", help="print the result as JSON")
    return verb


def _add_cluster(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--cluster", nargs="?", const="here", metavar="ADDRESS",
        help="work on the Ray at ADDRESS; without one, Ray is started here; give it last",
    )  # fmt: skip


def _add_at_least(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--at-least", type=_share, metavar="ACCURACY", help="0 to 1; exit with 4 if it is lower"
    )


def _share(word: str) -> float:
    try:
        share = float(word)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:  # NaN, too, is not
        raise argparse.ArgumentTypeError(f"{word!r} is no share from 0 to 1, as 0.99 is")
    return share
