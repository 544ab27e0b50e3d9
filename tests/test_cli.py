"""The commands as a user types them: results, one-line errors, exit codes."""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from inkdigits.cli import main
from inkdigits.data import load
from inkdigits.errors import Interrupted


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with 600 labelled digits, 100 in Kaggle's test form, and a short run on them."""
    folder = tmp_path_factory.mktemp("cli")
    digits = load("mnist")
    np.savez(folder / "digits.npz", x=digits.images[:600], y=digits.labels[:600])
    pixels = ",".join(f"pixel{i}" for i in range(784))
    rows = "\n".join(",".join(map(str, image.ravel())) for image in digits.images[:100])
    (folder / "test.csv").write_text(f"{pixels}\n{rows}\n")
    with contextlib.chdir(folder):
        assert main(["train", "digits.npz", "--epochs", "2", "-o", "run"]) == 0
    return folder


@pytest.fixture
def run(place, monkeypatch, capsys):
    """Call the command in ``place``; return exit code, stdout and stderr."""
    monkeypatch.chdir(place)

    def call(*words):
        code = main(list(words))
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_train_ends_with_accuracy_interval_paths_and_the_next_command(run):
    code, out, err = run("train", "digits.npz", "--epochs", "1", "-o", "told")
    assert code == 0
    assert "validation accuracy 0." in out
    assert "95 % interval" in out
    assert "told/reader.onnx" in out
    assert "told/report/index.html" in out
    assert "inkdigits evaluate told digits.npz" in out
    assert "epoch  1/1" in err
    assert "precision" in err


def test_commands_can_be_copied_whatever_the_folder_is_called(run, place):
    shutil.copytree(place / "run", place / "my run")
    assert "inkdigits evaluate 'my run' digits.npz" in run("train", "--resume", "my run")[1]
    _, _, err = run("train", "digits.npz", "-o", "my run")
    assert "go on with it by --resume 'my run', or" in err


def test_train_json_is_one_object_with_the_promised_keys(run):
    code, out, _ = run("train", "--resume", "run", "--json")
    assert code == 0
    result = json.loads(out)
    assert {"run", "reader", "val_accuracy", "epochs", "seconds"} <= set(result)
    assert result["epochs"] == 2


def test_resume_refuses_what_it_would_not_heed(run):
    code, out, err = run("train", "--resume", "run", "--epochs", "9", "--seed", "0")
    assert (code, out) == (2, "")
    assert "--resume goes on as the run was begun; leave out --epochs and --seed" in err


def test_a_run_is_gone_on_with_from_another_folder(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--resume", str(place / "run")]) == 0
    assert "validation accuracy" in capsys.readouterr().out


def test_a_signal_while_the_report_is_drawn_says_that_the_reader_is_there(run, monkeypatch):
    def judge(*_):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("inkdigits.verbs._judge", judge)
    before = signal.getsignal(signal.SIGTERM)
    code, _, err = run("train", "--resume", "run")
    assert code == 130
    assert "the reader is written, and the report is drawn by: inkdigits train --resume run" in err
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_report_that_finds_no_room_says_that_the_reader_is_there(run, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("inkdigits.evaluation.folder._write", full)
    code, out, err = run("train", "--resume", "run")
    assert (code, out) == (1, "")
    assert err == (
        "inkdigits: run/report: the reader is written, but the report cannot be (No space left on "
        "device); make room, and it is drawn by: inkdigits train --resume run\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("json_asked", [[], ["--json"]])
def test_a_result_that_cannot_be_written_is_one_error(json_asked):
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device, not a file to create
        words = [sys.executable, "-m", "inkdigits", "models", *json_asked]
        told = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert told.returncode == 1
    assert told.stderr == (
        "inkdigits: the result cannot be written (No space left on device); "
        "see that there is space\n"
    )


def test_a_closed_stream_is_neither_a_traceback_nor_written_into(place, tmp_path):
    def ink(words, closed):
        line = f'exec "{sys.executable}" -m inkdigits {words} {closed}'
        return subprocess.run(["sh", "-c", line], cwd=place, capture_output=True, text=True)

    told = ink(f"predict run digits.npz -o {tmp_path}/read.csv", "2>&-")
    assert (told.returncode, told.stderr) == (0, "")
    assert len((tmp_path / "read.csv").read_text().splitlines()) == 601
    told = ink("data nowhere.csv", "2>&-")
    assert (told.returncode, told.stdout) == (3, "")
    told = ink("models", ">&-")
    assert told.returncode == 1
    assert told.stderr == (
        "inkdigits: the result cannot be written, since stdout is closed; send it somewhere\n"
    )
    assert ink("models", ">&- 2>&-").returncode == 1


def test_the_run_folder_holds_its_report(place):
    report = place / "run" / "report"
    names = {path.name for path in report.iterdir()}
    assert {"index.html", "curves.png", "confusion.png", "errors.png"} <= names
    assert json.loads((report / "evaluation.json").read_text())["n"] == 120


def test_join_makes_one_reader_of_several(run, place):
    assert run("train", "digits.npz", "--model", "lenet5", "--epochs", "1", "-o", "quick")[0] == 0
    code, out, _ = run("join", "quick", "run", "-o", "both.onnx")
    assert code == 0
    assert "reader   both.onnx" in out
    code, out, _ = run("join", "quick", "run", "run", "-o", "both.onnx", "--json")
    assert code == 0
    assert {"reader", "asks_below", "asked", "val_accuracy"} <= set(json.loads(out))
    code, _, err = run("join", "both.onnx", "run", "-o", "again.onnx")
    assert code == 2
    assert "joined from others already" in err
    assert not (place / "again.onnx").exists()


def test_evaluate_measures_and_warns_of_images_it_has_seen(run, place):
    code, out, err = run("evaluate", "run", "digits.npz", "-o", "judged")
    assert code == 0
    assert "accuracy" in out
    assert "600 of these 600 images" in err
    assert "600 of these 600 images" in (place / "judged" / "index.html").read_text()
    measured = json.loads((place / "judged" / "evaluation.json").read_text())
    assert "600 of these 600 images" in measured["caution"]
    code, out, _ = run("evaluate", "run/reader.onnx", "digits.npz", "-o", "judged", "--json")
    result = json.loads(out)
    assert {"n", "accuracy", "interval", "per_class", "ece"} <= set(result)
    assert result["n"] == 600
    assert "600 of these 600 images" in result["caution"]


def test_what_a_reader_has_seen_is_told_by_the_images_not_by_the_files_name(place, tmp_path, run):
    digits = load("mnist")
    np.savez(tmp_path / "digits.npz", x=digits.images[600:700], y=digits.labels[600:700])
    np.savez(tmp_path / "part.npz", x=digits.images[:100], y=digits.labels[:100])
    with contextlib.chdir(tmp_path):  # where another file has the name of the training's
        for data, told in (("digits.npz", ""), ("part.npz", ""), (place / "digits.npz", "600 of")):
            code, _, err = run("evaluate", str(place / "run"), str(data))
            assert code == 0
            assert told in err
            assert bool(told) == bool(err)
    part = str(tmp_path / "part.npz")
    assert "100 of these 100 images" in run("evaluate", "run", part, "-o", "judged")[2]


def test_images_of_0_and_1_are_noted(run, place):
    digits = load("mnist")
    np.savez(place / "ones.npz", x=digits.images[:50] // 128, y=digits.labels[:50])
    for verb, output in (("evaluate", "judged"), ("predict", "read.csv")):
        code, _, err = run(verb, "run", "ones.npz", "-o", output)
        assert code == 0
        assert "note: ones.npz: no pixel is above 1, where ink goes up to 255" in err


def test_a_quality_not_reached_exits_with_4(run):
    code, _, err = run("evaluate", "run", "digits.npz", "-o", "judged", "--at-least", "0.9999")
    assert code == 4
    assert "below the 0.9999" in err.splitlines()[-1]


def test_predict_writes_kaggles_form_for_its_test_csv(run, place):
    code, out, _ = run("predict", "run", "test.csv", "-o", "submission.csv")
    assert code == 0
    assert "Kaggle" in out
    lines = (place / "submission.csv").read_text().splitlines()
    assert lines[0] == "ImageId,Label"
    assert [line.split(",")[0] for line in lines[1:]] == [str(i) for i in range(1, 101)]


def test_a_stopped_predict_leaves_nothing(run, place, monkeypatch):
    def stopped(*_):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("inkdigits.reading.Reader.predict_proba", stopped)
    monkeypatch.setattr("inkdigits.reading.Reader._try_out", lambda _: None)
    before = {path.name for path in place.iterdir()}
    code, out, err = run("predict", "run", "digits.npz", "-o", "stopped.csv")
    assert (code, out) == (130, "")
    assert err.endswith("inkdigits: stopped before it was done; nothing is half-written\n")
    assert {path.name for path in place.iterdir()} == before


def test_a_burst_of_signals_is_answered_once(run, monkeypatch):
    def stopped(*_):
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            for _ in range(5):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("inkdigits.reading.Reader.predict_proba", stopped)
    monkeypatch.setattr("inkdigits.reading.Reader._try_out", lambda _: None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code, out, err = run("predict", "run", "digits.npz", "-o", "stopped.csv")
    signal.raise_signal(signal.SIGINT)  # while Python ends
    assert (code, out) == (130, "")
    assert err.endswith("inkdigits: stopped before it was done; nothing is half-written\n")


def test_a_burst_while_the_answer_is_made_keeps_the_answer(run, monkeypatch):
    def stopped(*_):
        try:
            raise Interrupted("saved; go on like this")
        finally:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("inkdigits.reading.Reader.predict_proba", stopped)
    monkeypatch.setattr("inkdigits.reading.Reader._try_out", lambda _: None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code, _, err = run("predict", "run", "digits.npz", "-o", "stopped.csv")
    assert code == 130
    assert err.endswith("inkdigits: saved; go on like this\n")


def test_predict_writes_what_the_files_name_says(run, place):
    code, out, _ = run("predict", "run", "test.csv", "-o", "read.parquet")
    assert code == 0
    assert "probabilities" in out
    table = pyarrow.parquet.read_table(place / "read.parquet")
    assert table["image"].to_pylist() == [str(i) for i in range(1, 101)]


def test_predict_writes_probabilities_for_anything_else(run, place):
    assert run("predict", "run", "digits.npz", "-o", "read.csv")[0] == 0
    lines = (place / "read.csv").read_text().splitlines()
    assert lines[0].startswith("image,label,probability,p0,p1")
    assert len(lines) == 601


@pytest.mark.parametrize("linked", [False, True])
def test_nothing_that_is_read_is_overwritten(run, place, tmp_path, linked):
    table = tmp_path / "tables" / "test.parquet"
    table.parent.mkdir()
    table.write_bytes(b"PAR1")
    for words, read in (
        (["predict", "run", "test.csv"], place / "test.csv"),
        (["predict", "run", str(table.parent)], table),
        (["predict", "run", "test.csv"], place / "run" / "reader.onnx"),
        (["join", "run", "run/reader.onnx"], place / "run" / "reader.onnx"),
    ):
        output, before = read, read.read_bytes()
        if linked:
            output = tmp_path / read.name
            output.unlink(missing_ok=True)
            output.symlink_to(read)
        code, _, err = run(*words, "-o", str(output))
        assert code == 2
        assert len(err.splitlines()) == 1
        assert "would overwrite" in err
        assert read.read_bytes() == before


def test_models_prints_table_3(run):
    code, out, _ = run("models", "report_cnn")
    assert code == 0
    expected = [
        ("conv2d (Conv2D)", "(None, 28, 28, 32)", 320),
        ("max_pooling2d (MaxPooling2D)", "(None, 14, 14, 32)", 0),
        ("dropout (Dropout)", "(None, 14, 14, 32)", 0),
        ("conv2d_1 (Conv2D)", "(None, 14, 14, 64)", 18496),
        ("max_pooling2d_1 (MaxPooling2D)", "(None, 7, 7, 64)", 0),
        ("dropout_1 (Dropout)", "(None, 7, 7, 64)", 0),
        ("flatten (Flatten)", "(None, 3136)", 0),
        ("dense (Dense)", "(None, 512)", 1606144),
        ("dropout_2 (Dropout)", "(None, 512)", 0),
        ("dense_1 (Dense)", "(None, 10)", 5130),
    ]
    rows = out.splitlines()[2:12]
    for row, (name, shape, parameters) in zip(rows, expected, strict=True):
        assert row.startswith(name)
        assert shape in row
        assert f" {parameters} " in row
    assert "Total params: 1,630,090" in out


def test_models_lists_all_of_them(run):
    code, out, _ = run("models", "--json")
    assert code == 0
    by_name = {model["name"]: model for model in json.loads(out)}
    assert by_name["report_cnn"]["parameters"] == 1_630_090
    assert by_name["vgg16"]["parameters_paper"] == 138_357_544
    assert {"depth", "multiply_adds"} <= set(by_name["vgg16"])


def test_data_shows_table_counts_and_examples(run, place):
    code, out, _ = run("data", "digits.npz", "-o", "shown")
    assert code == 0
    assert "600 rows × 785 columns" in out
    assert (place / "shown" / "index.html").exists()


def test_explain_tells_what_it_read(run, place):
    code, out, _ = run("explain", "digits.npz:3", "--run", "run", "-o", "told", "--json")
    assert code == 0
    result = json.loads(out)
    assert 0 <= result["digit"] <= 9
    assert (place / "told" / "index.html").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["data", "nowhere.csv"], 3, "nowhere.csv: there is no such file"),
        (["evaluate", "run", "test.csv"], 3, "has no labels"),
        (["evaluate", "nowhere.onnx", "digits.npz"], 3, "nowhere.onnx"),
        (["predict", "test.csv", "digits.npz", "-o", "x.csv"], 3, "test.csv"),
        (["predict", "run", "digits.npz", "-o", "nowhere/x.csv"], 1, "nowhere/x.csv"),
        (["predict", "run", "digits.npz", "-o", "x.pdf"], 2, ".csv or .parquet"),
        (["train", "test.csv"], 3, "has no labels"),
        (["train", "digits.npz", "--model", "report_cmm"], 2, "report_cnn"),
        (["train", "digits.npz", "--recipe", "slow"], 2, "report"),
        (["train", "--resume", "nowhere"], 3, "nowhere"),
        (["train", "digits.npz", "-o", "run"], 2, "exists already"),
        (["train", "digits.npz", "--resume", "run"], 2, "not allowed with"),
        (["train", "digits.npz", "--epochs", "many"], 2, "many"),
        (["train", "digits.npz", "--seed", "-1"], 2, "seed -1"),
        (
            ["train", "digits.npz", "--at-least", "99"],
            2,
            "--at-least: '99' is no share from 0 to 1",
        ),
        (["evaluate", "run", "digits.npz", "--at-least", "nan"], 2, "'nan' is no share"),
        (["evaluate", "run", "digits.npz", "--at-least", "-.1"], 2, "'-.1' is no share"),
        (["evaluate", "run", "digits.npz", "--at-least", "most"], 2, "'most' is no share"),
        (["fly"], 2, "fly"),
        (["models", "--js"], 2, "--js"),
        (["train", "digits.npz", "--epo", "1"], 2, "--epo"),
        ([], 2, "VERB"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(run, words, code, message):
    found, out, err = run(*words)
    assert found == code
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("inkdigits: ")
    assert message in err
    found, out, err = run(*words, "--json")
    assert found == code
    assert set(json.loads(out)["error"]) == {"kind", "message", "where"}


def python(*words):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)


def test_import_and_help_load_neither_torch_nor_onnxruntime():
    program = (
        "import sys, inkdigits; from inkdigits.cli import build_parser; build_parser();"
        "print([m for m in ('torch', 'onnxruntime', 'numba', 'matplotlib') if m in sys.modules])"
    )
    assert python("-c", program).stdout == "[]\n"
    assert "explain" in python("-m", "inkdigits", "--help").stdout


def test_reading_without_torch(place):
    program = (
        "import sys; sys.modules['torch'] = None; from inkdigits.cli import main;"
        f"sys.exit(main(['evaluate', '{place}/run', '{place}/digits.npz', '-o', '{place}/r']))"
    )
    assert "accuracy" in python("-c", program).stdout


def test_training_without_torch_says_what_to_install(place):
    program = (
        "import sys; sys.modules['torch'] = None; from inkdigits.cli import main;"
        f"sys.exit(main(['train', '{place}/digits.npz']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "inkdigits: training needs more: pip install 'inkdigits[train]'\n"
