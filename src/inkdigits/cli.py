"""The command line: one function per verb, each imports what it needs and makes one call."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from inkdigits import __version__
from inkdigits.errors import DataError, InkdigitsError, Interrupted, QualityError, UsageError

if TYPE_CHECKING:
    from inkdigits.data import Dataset
    from inkdigits.evaluation import Evaluation
    from inkdigits.reading import Reader

Answer = tuple[Any, str]
"""A verb's result: the object that --json prints, and the text that a person reads."""

DATA_HELP = (
    "mnist, mnist42k, or a path: Kaggle's train.csv or test.csv (also .gz, .zip), IDX files, "
    ".npz, Parquet, or a folder with one folder of pictures per digit"
)
READER_HELP = "a reader.onnx, or the run folder it lies in"


def train(options: argparse.Namespace) -> Answer:
    """Train a network, and judge the reader it ends in on the validation images."""
    from inkdigits.data import load
    from inkdigits.evaluation.text import accuracy_text
    from inkdigits.reading import Reader
    from inkdigits.training import Run, resume, validation_images
    from inkdigits.training import train as start

    if options.resume is None:
        dataset = load(options.data or "mnist42k")
        run = start(
            dataset,
            options.model,
            options.recipe,
            seed=options.seed,
            epochs=options.epochs,
            folder=options.output,
            command=options.command,
        )
    else:
        dataset = load(Run(options.resume).manifest["data"]["source"])
        run = resume(options.resume, data=dataset)
    evaluation = _judge(Reader(run.reader), validation_images(run, dataset), run.report)
    _demand(options.at_least, evaluation)
    page = run.report / "index.html"
    result = {
        "run": str(run.folder),
        "reader": str(run.reader),
        "val_accuracy": evaluation.accuracy,
        "interval": evaluation.interval,
        **run.result,
        "report": str(page),
    }
    return result, (
        f"validation accuracy {accuracy_text(evaluation)}, "
        f"after {run.result['epochs']} epochs and {run.result['seconds']:.0f} s\n"
        f"reader   {run.reader}\n"
        f"report   {page}\n"
        f"next     inkdigits predict {run.folder} test.csv -o submission.csv"
    )


def evaluate(options: argparse.Namespace) -> Answer:
    """Measure a reader on labelled images, and write the report on it."""
    from inkdigits.data import load
    from inkdigits.evaluation.text import evaluation_text

    reader = _reader(options.reader)
    dataset = load(options.data)
    if dataset.fingerprint() == reader.provenance.get("data", {}).get("fingerprint"):
        print(
            f"note: {reader.path} was trained on these images; "
            "the report in its run folder tells of those that it did not see",
            file=sys.stderr,
        )
    evaluation = _judge(reader, dataset.test or dataset, options.output)
    _demand(options.at_least, evaluation)
    page = options.output / "index.html"
    return (
        {**evaluation.to_json(), "report": str(page)},
        f"{evaluation_text(evaluation)}\n\nreport   {page}",
    )


def predict(options: argparse.Namespace) -> Answer:
    """Label a data set, and write the labels to a file."""
    from inkdigits.data import is_kaggle_test, load
    from inkdigits.reading.predictions import write_predictions, write_submission

    reader = _reader(options.reader)
    dataset = load(options.data)
    dataset = dataset.test or dataset
    probabilities = reader.predict_proba(dataset.images)
    labels = probabilities.argmax(axis=1).astype("uint8")
    if is_kaggle_test(dataset):
        write_submission(options.output, labels)
        form = "Kaggle's submission form"
    else:
        write_predictions(options.output, dataset.ids, labels, probabilities)
        form = "labels with probabilities"
    return (
        {"n": len(dataset), "output": str(options.output)},
        f"{len(dataset):,} images of {dataset.source} read\n{options.output}   {form}",
    )


def compare(options: argparse.Namespace) -> Answer:
    """Train several networks alike, and show what each makes of it."""
    from inkdigits.evaluation.comparison import comparison_text, write_comparison
    from inkdigits.training.compare import Plan, find_study
    from inkdigits.training.compare import compare as start

    names = ("data", "recipe", "seeds", "epochs")
    asked = {name: value for name in names if (value := getattr(options, name)) is not None}
    if options.study is None:
        plan = Plan(tuple(options.models), **asked)
    elif options.models or asked:
        raise UsageError("a study's models and settings are fixed; give --study alone, or with -o")
    else:
        plan = find_study(options.study)
    result = start(plan, options.output, command=options.command)
    page = write_comparison(result.folder, result.settings, result.members)
    options.exit_code = int(any(member["error"] for member in result.members))
    return result.members, (
        f"{comparison_text(result.settings, result.members)}\n\n"
        f"page     {page}\n"
        f"numbers  {page.with_name('comparison.json')}"
    )


def explain(options: argparse.Namespace) -> Answer:
    """Show what each layer of a trained network does to one image."""
    from inkdigits.data.single import load_one
    from inkdigits.evaluation.explanation import write_explanation
    from inkdigits.training.explain import explain as dissect
    from inkdigits.training.run import Run, latest_run

    image, label = load_one(options.image)
    run = latest_run() if options.run_folder is None else Run(options.run_folder)
    if options.run_folder is None:
        print(f"by the latest run, {run.folder}", file=sys.stderr)
    anatomy = dissect(run, image)
    page = write_explanation(options.output, anatomy, name=Path(options.image).name, truth=label)
    sure = float(anatomy.probabilities.max())
    return {**anatomy.to_json(), "page": str(page)}, (
        f"read as {anatomy.digit}, {sure:.2%} sure\n"
        f"page     {page}\n"
        f"poster   {page.with_name('explanation.png')}"
    )


def models(options: argparse.Namespace) -> Answer:
    """List the architectures, or show the layers of one."""
    from inkdigits.models.summary import architectures, architectures_text, layer_table

    if options.name is None:
        found = architectures()
        return found, architectures_text(found)
    table = layer_table(options.name, "paper" if options.paper else "digits")
    return table.to_json(), table.text


def data(options: argparse.Namespace) -> Answer:
    """Show what is in a data set."""
    from inkdigits.data import load
    from inkdigits.evaluation.overview import overview, overview_text, write_overview

    dataset = load(options.data)
    text = overview_text(dataset)
    if options.output is not None:
        text += f"\n\npage     {write_overview(dataset, options.output)}"
    return overview(dataset), text


def _reader(path: Path) -> "Reader":
    from inkdigits.reading import Reader

    return Reader(path / "reader.onnx" if path.is_dir() else path)


def _judge(reader: "Reader", dataset: "Dataset", folder: Path) -> "Evaluation":
    """Read the images, write the report into ``folder``, and return what was measured."""
    from inkdigits.evaluation import read_history, write_report

    if dataset.labels is None:
        raise DataError("has no labels to compare with; use `inkdigits predict`", dataset.source)
    return write_report(
        folder,
        dataset.images,
        dataset.labels,
        reader.predict_proba(dataset.images),
        title=f"{reader.provenance.get('model', 'A reader')} on {dataset.source}",
        history=read_history(reader.path.parent / "metrics.jsonl"),
        provenance=reader.origin(),
    )


def _demand(at_least: float | None, evaluation: "Evaluation") -> None:
    if at_least is not None and evaluation.accuracy < at_least:
        raise QualityError(
            f"accuracy {evaluation.accuracy:.4f} is below the {at_least} that was asked for"
        )


class Parser(argparse.ArgumentParser):
    """argparse, with wrong usage told in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError where argparse would print its usage and exit."""
        raise UsageError(f"{message}; see {self.prog} --help")


def build_parser() -> Parser:
    """Return the parser of all verbs."""
    parser = Parser(prog="inkdigits", description="Reads handwritten digits.")
    parser.add_argument("--version", action="version", version=f"inkdigits {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True, parser_class=Parser)

    verb = _add(
        verbs, "train", train, "train a network; ends in a reader, its accuracy and a report"
    )
    source = verb.add_mutually_exclusive_group()
    source.add_argument("data", nargs="?", metavar="DATA", help=f"{DATA_HELP}; default mnist42k")
    source.add_argument("--resume", type=Path, metavar="RUN", help="go on with a stopped run")
    verb.add_argument(
        "--model", default="report_cnn", help="see inkdigits models; default report_cnn"
    )
    verb.add_argument("--recipe", default="report", help="how to train; default report")
    verb.add_argument("--epochs", type=int, help="in place of the recipe's number")
    verb.add_argument("--seed", type=int, default=0, help="of split, weights and draws; default 0")
    verb.add_argument(
        "-o", "--output", type=Path, metavar="RUN", help="folder; default the next in runs/"
    )
    _add_at_least(verb)

    verb = _add(verbs, "evaluate", evaluate, "measure a reader on labelled images; writes a report")
    verb.add_argument("reader", type=Path, metavar="READER", help=READER_HELP)
    verb.add_argument("data", metavar="DATA", help=DATA_HELP)
    verb.add_argument(
        "-o", "--output", type=Path, default=Path("report"), metavar="FOLDER", help="default report"
    )
    _add_at_least(verb)

    verb = _add(verbs, "predict", predict, "label a data set; Kaggle's form for its test.csv")
    verb.add_argument("reader", type=Path, metavar="READER", help=READER_HELP)
    verb.add_argument("data", metavar="DATA", help=DATA_HELP)
    verb.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help=".csv or .parquet"
    )

    verb = _add(
        verbs, "compare", compare, "train several networks alike; shows what each makes of it"
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

    verb = _add(verbs, "explain", explain, "show what each layer does to an image, as a page")
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

    verb = _add(verbs, "models", models, "list the architectures, or show the layers of one")
    verb.add_argument("name", nargs="?", metavar="NAME")
    verb.add_argument("--paper", action="store_true", help="as the paper has it, not for digits")

    verb = _add(verbs, "data", data, "show what is in a data set: counts, examples, doubts")
    verb.add_argument("data", nargs="?", default="mnist42k", metavar="DATA", help=DATA_HELP)
    verb.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER", help="also write a page with figures"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 done, 1 failed, 2 wrong usage, 3 bad data, 4 below a quality asked for, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    try:
        options = build_parser().parse_args(words)
        options.command = ["inkdigits", *words]
        result, text = options.run(options)
        print(json.dumps(result) if as_json else text, flush=True)
        return int(options.exit_code)
    except InkdigitsError as error:
        return _fail(error, as_json)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "onnx", "safetensors", "filelock"):
            raise
        return _fail(InkdigitsError("training needs more: pip install 'inkdigits[train]'"), as_json)
    except KeyboardInterrupt:
        return _fail(Interrupted("stopped before there was anything to save"), as_json)
    except MemoryError:
        return _fail(InkdigitsError("out of memory; give fewer images"), as_json)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone, as in `inkdigits models | head`
        return 1


def _fail(error: InkdigitsError, as_json: bool) -> int:
    if as_json:
        told = {"kind": error.kind, "message": error.message, "where": error.where}
        print(json.dumps({"error": told}), flush=True)
    else:
        print(f"inkdigits: {' '.join(str(error).split())}", file=sys.stderr)
    return error.exit_code


def _add(verbs: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=summary, description=summary)
    verb.set_defaults(run=run, exit_code=0)
    verb.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return verb


def _add_at_least(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--at-least", type=float, metavar="ACCURACY", help="exit with 4 if the accuracy is lower"
    )
