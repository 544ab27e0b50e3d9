"""One function per verb of the command line; each imports what it needs and makes one call.

Each returns its result, which --json prints, and the text that a person reads.
"""

import argparse
import dataclasses
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkdigits.errors import DataError, InkdigitsError, Interrupted, QualityError, UsageError
from inkdigits.files import spare, whole_file

if TYPE_CHECKING:
    from inkdigits.data import Dataset
    from inkdigits.evaluation import Evaluation
    from inkdigits.reading import Reader
    from inkdigits.reading.reader import Scores

Answer = tuple[Any, str]


def train(options: argparse.Namespace) -> Answer:
    """Train a network, and judge the reader it ends in on the validation images."""
    from inkdigits.data import load
    from inkdigits.evaluation.text import accuracy_text
    from inkdigits.evaluation.wording import plural
    from inkdigits.reading import Reader
    from inkdigits.training import Run, helps_another, resume, run_data, validation_images
    from inkdigits.training import train as start

    if options.resume is None:
        dataset = load("mnist42k" if options.data is None else options.data)
        run = start(
            dataset,
            options.model,
            options.recipe or "report",
            seed=options.seed or 0,
            epochs=options.epochs,
            folder=options.output,
            teachers=options.teacher or (),
            command=options.command,
        )
    else:
        _refuse_beside_resume(options)
        dataset = run_data(Run(options.resume))
        run = resume(options.resume, data=dataset)
    if helps_another():
        raise SystemExit(0)  # the first of torchrun's processes tells and writes the rest
    try:
        evaluation = _judge(Reader(run.reader), validation_images(run, dataset), run.report)
    except KeyboardInterrupt as error:
        raise Interrupted(
            "stopped while the report was drawn; the reader is written, and the report is drawn "
            f"by: {run.resuming}"
        ) from error
    except InkdigitsError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        raise InkdigitsError(
            f"the reader is written, but the report cannot be ({error.__cause__.strerror}); "
            f"make room, and it is drawn by: {run.resuming}",
            run.report,
        ) from error
    _demand(options.at_least, evaluation)
    page, outcome = run.report / "index.html", run.manifest["result"]
    result = {
        "run": str(run.folder),
        "reader": str(run.reader),
        "val_accuracy": evaluation.accuracy,
        "interval": evaluation.interval,
        **outcome,
        "report": str(page),
    }
    again = shlex.join(["inkdigits", "evaluate", str(run.folder), dataset.source])
    return result, (
        f"validation accuracy {accuracy_text(evaluation)}, "
        f"after {plural(outcome['epochs'], 'epoch')} and {outcome['seconds']:.0f} s\n"
        f"reader   {run.reader}\n"
        f"report   {page}\n"
        f"next     {again}"
    )


def _refuse_beside_resume(options: argparse.Namespace) -> None:
    names = ("model", "recipe", "epochs", "teacher", "seed", "output")
    given = [f"--{name}" for name in names if getattr(options, name) is not None]
    if given:
        raise UsageError(
            f"--resume goes on as the run was begun; leave out {' and '.join(given)}, or train anew"
        )


def join(options: argparse.Namespace) -> Answer:
    """Make one reader of a quick one and surer ones, which it asks where it is unsure."""
    from inkdigits.evaluation.wording import percent
    from inkdigits.training.joining import join

    joined = join(options.quick, options.sure, options.output)
    return {**dataclasses.asdict(joined), "reader": str(joined.reader)}, (
        f"asks about {percent(joined.asked, 1)} of the held-out images, those below "
        f"{joined.asks_below:.4f}; {percent(joined.val_accuracy)} are right\n"
        f"reader   {joined.reader}"
    )


def evaluate(options: argparse.Namespace) -> Answer:
    """Measure a reader on labelled images, and write the report on it."""
    from inkdigits.data import load
    from inkdigits.evaluation.text import evaluation_text
    from inkdigits.reading import Reader

    reader = Reader(options.reader)
    whole = load(options.data)
    dataset = whole.test or whole
    _note_scale(int(dataset.images.max()), dataset.source)
    caution = _tell_seen(reader, dataset, whole)
    evaluation = _judge(reader, dataset, options.output, caution)
    if caution:
        print(f"note: {caution}", file=sys.stderr)
    _demand(options.at_least, evaluation)
    page = options.output / "index.html"
    return (
        {**evaluation.to_json(), "caution": caution or None, "report": str(page)},
        f"{evaluation_text(evaluation)}\n\nreport   {page}",
    )


def predict(options: argparse.Namespace) -> Answer:
    """Label data of any size, and write the labels to a file, or from a cluster to a folder."""
    if options.cluster is not None:
        return _predict_on_cluster(options)
    if len(options.data) > 1:
        raise UsageError("without --cluster one DATA is labelled at a time; give one")
    from itertools import chain

    from tqdm import tqdm

    from inkdigits.data import is_kaggle_test, stream
    from inkdigits.reading import Reader
    from inkdigits.reading.predictions import prediction_table, write_predictions, write_submission

    reader = Reader(options.reader)
    place = Path(options.data[0]).expanduser()
    parts = [*place.glob("*.parquet"), *place.glob("*/*.parquet")]  # where it is a folder of them
    spare([reader.path, place, *parts], options.output)
    blocks = stream(options.data[0])
    first = next(blocks)
    count, brightest = 0, 0
    with tqdm(unit=" images", file=sys.stderr, disable=None, leave=False) as bar:

        def read() -> "Iterator[tuple[Sequence[str] | range, Scores]]":
            nonlocal count, brightest
            for block in chain([first], blocks):
                ids = block.ids or range(count, count + len(block))
                yield ids, reader.predict_proba(block.images)
                count += len(block)
                brightest = max(brightest, int(block.images.max()))
                bar.update(len(block))

        if is_kaggle_test(first) and options.output.suffix.lower() != ".parquet":
            labels = (scores.argmax(axis=1) for _, scores in read())
            write_submission(options.output, labels)
            form = "Kaggle's submission form"
        else:
            tables = (prediction_table(ids, scores, reader.threshold) for ids, scores in read())
            write_predictions(options.output, tables)
            form = "labels with probabilities"
    _note_scale(brightest, first.source)
    return (
        {"n": count, "output": str(options.output)},
        f"{count:,} images of {first.source} read\n{options.output}   {form}",
    )


def _predict_on_cluster(options: argparse.Namespace) -> Answer:
    from inkdigits.cluster.labelling import BROKEN, label

    done = label(options.reader, options.data, options.output, options.cluster)
    broken = f"\n{done.broken:,} that cannot be read: {done.folder / BROKEN}"
    return (
        {
            "n": done.images,
            "output": str(done.folder),
            "parts": done.parts,
            "broken": done.broken,
        },
        f"{done.images:,} images read, in {done.parts:,} parts\n"
        f"{done.folder}{broken if done.broken else ''}",
    )


def read(options: argparse.Namespace) -> Answer:
    """Find and read the digits in pictures; a bad picture does not lose the others."""
    from inkdigits.reading import Reader
    from inkdigits.reading.text import reading_text

    if options.boxes is not None and len(options.images) > 1:
        raise UsageError("--boxes draws one picture; give one IMAGE")
    if options.boxes is not None:
        _check_drawing(options.boxes, options.images[0])
    reader = Reader(options.reader)
    results: list[dict[str, Any]] = []
    texts = []
    for path in options.images:
        try:
            reading = reader.read(path, one=options.one)
        except DataError as error:
            if len(options.images) == 1:
                raise
            options.exit_code = error.exit_code
            print(f"inkdigits: {' '.join(str(error).split())}", file=sys.stderr)
            results.append(
                {"image": str(path), "lines": [], "refused": None, "error": error.message}
            )
            continue
        if options.boxes is not None:
            with whole_file(options.boxes) as temporary:
                reading.draw().save(temporary, "PNG")
        results.append(reading.as_dict())
        texts.append(reading_text(reading, name=len(options.images) > 1))
    return results, "\n".join(texts)


def _check_drawing(boxes: Path, image: Path) -> None:
    if boxes.suffix.lower() != ".png":
        raise UsageError(f"--boxes writes PNG; name a file that ends in .png, not {boxes.name}")
    spare([image], boxes)


def compare(options: argparse.Namespace) -> Answer:
    """Train several networks alike, and show what each makes of it."""
    from inkdigits.evaluation.comparison import comparison_text, write_comparison
    from inkdigits.training.compare import compare as start
    from inkdigits.training.plan import Plan, find_study

    names = ("data", "recipe", "seeds", "epochs")
    asked = {name: value for name in names if (value := getattr(options, name)) is not None}
    if options.study is None:
        plan = Plan(tuple(options.models), **asked)
    elif options.models or asked:
        raise UsageError("a study's models and settings are fixed; give --study alone, or with -o")
    else:
        plan = find_study(options.study)
    engine = None
    if options.cluster is not None:
        from inkdigits.cluster.members import on_cluster

        engine = on_cluster(options.cluster)
    result = start(plan, options.output, engine=engine, command=options.command)
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
    from inkdigits.evaluation.wording import percent
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
        f"read as {anatomy.digit}, {percent(sure)} sure\n"
        f"page     {page}\n"
        f"poster   {page.with_name('explanation.png')}"
    )


def serve(options: argparse.Namespace) -> Answer:
    """Answer over HTTP until told to stop."""
    from inkdigits.reading import Reader
    from inkdigits.serving import SHARE, create_app, listen, run

    reader = Reader(options.reader, threads=SHARE)
    app = create_app(reader, origins=options.allow_origin)
    with listen(options.host, options.port) as listener:
        host = f"[{options.host}]" if ":" in options.host else options.host
        address = f"http://{host}:{listener.getsockname()[1]}"
        print(f"serving at {address}   (Ctrl+C stops)", file=sys.stderr, flush=True)
        answered = run(app, listener)
    return {"address": address, "answered": answered}, f"stopped after {answered:,} answers"


def export(options: argparse.Namespace) -> Answer:
    """Write the page with its reader as files that need no service."""
    from inkdigits.reading import Reader
    from inkdigits.serving.web import write_web

    reader = Reader(options.reader)
    size = write_web(options.web, reader, options.onnxruntime_web)
    return {"folder": str(options.web), "bytes": size}, (
        f"page     {options.web / 'index.html'}, {size / 1e6:.0f} MB with all it needs\n"
        f"try it   python3 -m http.server --directory {shlex.quote(str(options.web))}"
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


def _judge(reader: "Reader", dataset: "Dataset", folder: Path, caution: str = "") -> "Evaluation":
    """Read the images, write the report into ``folder``, and return what was measured."""
    from inkdigits.evaluation import read_history, write_report

    if dataset.labels is None:
        raise DataError("has no labels to compare with; use `inkdigits predict`", dataset.source)
    return write_report(
        folder,
        dataset.images,
        dataset.labels,
        reader.predict_proba(dataset.images),
        title=f"{reader.network} on {dataset.source}",
        caution=caution,
        history=read_history(reader.path.parent / "metrics.jsonl"),
        provenance=reader.origin(),
    )


def _note_scale(brightest: int, source: str) -> None:
    from inkdigits.data.dataset import UNSCALED

    if brightest == 1:
        print(f"note: {source}: {UNSCALED}", file=sys.stderr)


def _tell_seen(reader: "Reader", dataset: "Dataset", whole: "Dataset") -> str:
    """Say how many of the images the reader may have learnt from, if any, where it can be told.

    ``whole``: what ``dataset`` is the test part of, or itself.
    """
    from inkdigits.evaluation.doubts import shared

    told = reader.provenance.get("data", {})
    learnt = _find_learnt(told, whole)
    seen = 0 if learnt is None else len(shared(dataset.images, learnt.images))
    if not seen:
        return ""
    return (
        f"{seen:,} of these {len(dataset):,} images are among those that {reader.path} "
        f"was trained and validated on ({told.get('source')}), so this accuracy flatters it"
    )


def _find_learnt(told: dict[str, Any], whole: "Dataset") -> "Dataset | None":
    """Return what a reader was trained on, if it is ``whole``, or still lies where it is told."""
    from inkdigits.data import load

    if whole.fingerprint() == told.get("fingerprint"):
        return whole
    with suppress(InkdigitsError):  # it is not at hand
        there = load(str(told.get("source", "")))
        if there.fingerprint() == told.get("fingerprint"):  # else another by the same name
            return there
    return None


def _demand(at_least: float | None, evaluation: "Evaluation") -> None:
    if at_least is not None and evaluation.accuracy < at_least:
        raise QualityError(
            f"accuracy {evaluation.accuracy:.4f} is below the {at_least} that was asked for"
        )
