"""Which images are learnt from, and which are held out."""

import zipfile

import numpy as np

from inkdigits.data import Dataset
from inkdigits.training import Run, run_data, split, train


def test_split_is_disjoint_complete_and_of_the_asked_size(strokes):
    numbered = Dataset(strokes.images, strokes.labels, "s", ids=[str(i) for i in range(400)])
    training, validation = split(numbered, 0.2, seed=3)
    assert len(validation) == 80
    assert sorted([*training.ids, *validation.ids], key=int) == list(numbered.ids)
    assert split(numbered, 0.2, seed=4)[1].ids != validation.ids


def test_a_run_on_a_zip_finds_its_data_from_any_folder(strokes, tmp_path, monkeypatch):
    rows = np.column_stack([strokes.labels, strokes.images.reshape(len(strokes), -1)])
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    with zipfile.ZipFile(tmp_path / "digits.zip", "w") as archive:
        archive.writestr("train.csv", "\n".join(lines))
    monkeypatch.chdir(tmp_path)
    run = train("digits.zip", "lenet5", folder="run", epochs=1, precision="float32", show=False)
    (tmp_path / "elsewhere").mkdir()
    for folder in (tmp_path, tmp_path / "elsewhere"):
        monkeypatch.chdir(folder)
        assert run_data(Run(tmp_path / "run")).fingerprint() == strokes.fingerprint()
    assert run.result
