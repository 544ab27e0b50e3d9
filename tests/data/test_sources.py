"""One small data set, written in every form there is, loads to the same images and labels."""

import gzip
import io
import os
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from inkdigits.data import (
    csv_blocks,
    dataset,
    folder,
    idx,
    is_kaggle_test,
    kaggle_csv,
    load,
    npz,
    parquet,
    stream,
)
from inkdigits.data.kaggle_csv import PIXELS
from inkdigits.errors import DataError


def csv_bytes(data, labels=True, newline="\n"):
    names = ["label", *PIXELS] if labels else PIXELS
    table = data.images.reshape(len(data), -1)
    if labels:
        table = np.column_stack([data.labels, table])
    rows = [",".join(names), *(",".join(map(str, row)) for row in table.tolist())]
    return (newline.join(rows) + newline).encode()


def idx_bytes(array):
    head = struct.pack(f">{array.ndim + 1}I", 0x800 + array.ndim, *array.shape)
    return head + array.tobytes()


def png_bytes(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def write_idx(folder, data, name="train", dash="-", pack=False):
    folder.mkdir(exist_ok=True)
    for array, kind in ((data.images, "images"), (data.labels, "labels")):
        content = idx_bytes(array)
        path = folder / f"{name}-{kind}{dash}idx{array.ndim}-ubyte{'.gz' if pack else ''}"
        path.write_bytes(gzip.compress(content) if pack else content)
    return folder


def write_parquet(path, data):
    path.parent.mkdir(exist_ok=True)
    rows = [{"bytes": png_bytes(image), "path": f"{i}.png"} for i, image in enumerate(data.images)]
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    labels = pa.array(data.labels.astype(np.int64))
    pq.write_table(pa.table({"image": pa.array(rows, kind), "label": labels}), path)
    return path


def write_pictures(folder, data):
    for i, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        (folder / str(label) / f"{i:05}.png").write_bytes(png_bytes(image))
    (folder / "0" / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "0" / "notes.txt").write_text("scanned on Monday")
    return folder


def write(path, content):
    path.write_bytes(content)
    return path


def zipped(path, **files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.csv", content)
    return path


def keras(path, data):
    np.savez_compressed(
        path, x_train=data.images, y_train=data.labels, x_test=data.images[:3], y_test=[0, 0, 0]
    )
    return path


def plain_npz(path, data):
    np.savez(path, images=data.images.reshape(-1, 784), labels=data.labels.astype(np.int64))
    return path


FORMS = {
    "csv": lambda d, p: write(p / "train.csv", csv_bytes(d)),
    "csv under another name": lambda d, p: write(p / "digits.dat", csv_bytes(d)),
    "csv with Windows line ends": lambda d, p: write(p / "a.csv", csv_bytes(d, newline="\r\n")),
    "csv with a byte order mark": lambda d, p: write(p / "a.csv", b"\xef\xbb\xbf" + csv_bytes(d)),
    "csv without a last newline": lambda d, p: write(p / "a.csv", csv_bytes(d).rstrip(b"\n")),
    "csv with blank lines at its end": lambda d, p: write(p / "a.csv", csv_bytes(d) + b"\n\n"),
    "csv with quotes": lambda d, p: write(
        p / "a.csv", b'"' + csv_bytes(d).replace(b",", b'","').replace(b"\n", b'"\n"')[:-1]
    ),
    "csv.gz": lambda d, p: write(p / "train.csv.gz", gzip.compress(csv_bytes(d))),
    "gzip without its suffix": lambda d, p: write(p / "train.csv", gzip.compress(csv_bytes(d))),
    "zip": lambda d, p: zipped(p / "train.zip", train=csv_bytes(d)),
    "Kaggle's zip": lambda d, p: zipped(
        p / "digit-recognizer.zip",
        sample_submission="ImageId,Label\n1,0\n",
        test=csv_bytes(d, labels=False),
        train=csv_bytes(d),
    ),
    "idx folder": lambda d, p: write_idx(p / "idx", d),
    "idx folder with dots": lambda d, p: write_idx(p / "idx", d, dash="."),
    "idx.gz folder": lambda d, p: write_idx(p / "idx", d, pack=True),
    "idx images file": lambda d, p: write_idx(p / "idx", d) / "train-images-idx3-ubyte",
    "idx.gz images file": lambda d, p: (
        write_idx(p / "idx", d, pack=True) / "train-images-idx3-ubyte.gz"
    ),
    "Keras's npz": lambda d, p: keras(p / "mnist.npz", d),
    "npz of images and labels": lambda d, p: plain_npz(p / "mine.npz", d),
    "parquet": lambda d, p: write_parquet(p / "part.parquet", d),
    "parquet folder": lambda d, p: (
        write_parquet(p / "mnist" / "train-00000-of-00001.parquet", d).parent
    ),
    "pictures": lambda d, p: write_pictures(p / "pictures", d),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_loads_to_the_same(form, digits, tmp_path):
    path = FORMS[form](digits, tmp_path)
    loaded = load(path)
    assert loaded.fingerprint() == digits.fingerprint()
    assert loaded.source.startswith(str(path))
    assert load(str(path)).source == loaded.source


@pytest.mark.parametrize("size", [7, 4096])
@pytest.mark.parametrize("form", [*FORMS, "with a test part"])
def test_every_form_streams_what_it_loads(form, size, digits, tmp_path, monkeypatch):
    for kind in (folder, idx, kaggle_csv, npz, parquet, dataset):
        monkeypatch.setattr(kind, "BLOCK", size)
    monkeypatch.setattr(csv_blocks, "BLOCK", 2**13 if size == 7 else csv_blocks.BLOCK)
    if form == "with a test part":
        path = write_pictures(tmp_path / "both" / "train", digits).parent
        write_pictures(path / "test", digits.take(np.arange(9)))
        write_idx(tmp_path / "idx", digits)
        write_idx(tmp_path / "idx", digits.take(np.arange(9)), name="t10k", pack=True)
        sources = [path, tmp_path / "idx", keras(tmp_path / "mnist.npz", digits)]
    else:
        sources = [FORMS[form](digits, tmp_path)]
    for source in sources:
        whole = load(source)
        whole = whole.test or whole
        blocks = list(stream(source))
        assert np.array_equal(np.concatenate([block.images for block in blocks]), whole.images)
        assert all(block.labels is None for block in blocks)
        names = [name for block in blocks for name in block.ids or ()]
        assert names == list(whole.ids or ())
        assert len(blocks) > 1 or len(whole) <= size


def test_names_stream_their_test_part():
    assert sum(map(len, stream("mnist"))) == 10_000


def test_a_streamed_test_csv_is_told_by_its_first_block(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(kaggle_csv, "BLOCK", 7)
    monkeypatch.setattr(csv_blocks, "BLOCK", 2**13)
    path = write(tmp_path / "test.csv", csv_bytes(digits, labels=False))
    blocks = list(stream(path))
    assert is_kaggle_test(blocks[0])
    assert not is_kaggle_test(blocks[1])
    assert [name for block in blocks for name in block.ids] == load(path).ids


def test_a_source_without_images_is_told(digits, tmp_path):
    np.savez(tmp_path / "none.npz", x=digits.images[:0])
    table = write_parquet(tmp_path / "one.parquet", digits.take(np.arange(1)))
    pq.write_table(pq.read_table(table).slice(0, 0), tmp_path / "none.parquet")
    for path in (tmp_path / "none.npz", tmp_path / "none.parquet"):
        for read in (load, lambda path: list(stream(path))):
            with pytest.raises(DataError, match="there are no images in it"):
                read(path)


def test_kaggle_zip_says_which_file_was_read(digits, tmp_path):
    loaded = load(FORMS["Kaggle's zip"](digits, tmp_path))
    assert loaded.source.endswith(".zip (train.csv)")
    assert load(loaded.source).fingerprint() == loaded.fingerprint()


def test_kaggle_test_csv_has_no_labels(digits, tmp_path):
    loaded = load(write(tmp_path / "test.csv", csv_bytes(digits, labels=False)))
    assert loaded.labels is None
    assert np.array_equal(loaded.images, digits.images)
    assert loaded.ids[:2] == ["1", "2"]
    assert is_kaggle_test(loaded)
    assert not is_kaggle_test(digits)


def test_test_parts_are_kept_apart(digits, tmp_path):
    part = digits.take(np.arange(5))
    write_idx(tmp_path / "idx", digits)
    write_idx(tmp_path / "idx", part, name="t10k", pack=True)
    write_parquet(tmp_path / "hub" / "train-0.parquet", digits)
    write_parquet(tmp_path / "hub" / "test-0.parquet", part)
    write_pictures(tmp_path / "pictures" / "train", digits)
    write_pictures(tmp_path / "pictures" / "test", part)
    for name in ("idx", "hub", "pictures"):
        loaded = load(tmp_path / name)
        assert loaded.fingerprint() == digits.fingerprint(), name
        assert loaded.test is not None
        assert loaded.test.fingerprint() == part.fingerprint(), name
        assert loaded.test.source == f"{tmp_path / name} (test)"
    assert len(load(keras(tmp_path / "mnist.npz", digits)).test) == 3


def test_several_parquet_files_are_joined(digits, tmp_path):
    write_parquet(tmp_path / "hub" / "train-0.parquet", digits.take(np.arange(15)))
    write_parquet(tmp_path / "hub" / "train-1.parquet", digits.take(np.arange(15, 40)))
    assert load(tmp_path / "hub").fingerprint() == digits.fingerprint()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"just words\nand more\n", "not a kind of data known here", id="words"),
        pytest.param(b"", "the file is empty", id="nothing"),
        pytest.param(gzip.compress(b""), "the file is empty", id="nothing, packed"),
        pytest.param(
            gzip.compress(b"label,pixel0\n" * 99)[:20], "damaged or cut short", id="cut gzip"
        ),
        pytest.param(b"PK\x03\x04 and nothing like a zip", "damaged or cut short", id="no zip"),
        pytest.param(b"PAR1 and no end", "damaged or cut short", id="no Parquet"),
    ],
)
def test_other_content_is_told(content, says, tmp_path):
    path = write(tmp_path / "thing.bin", content)
    for read in (load, lambda path: list(stream(path))):
        with pytest.raises(DataError, match=says) as caught:
            read(path)
        assert caught.value.where == str(path)
        assert "\n" not in str(caught.value)


def test_unknown_names_the_known_kinds(tmp_path):
    with pytest.raises(DataError, match=r"Parquet.*npz.*IDX.*train\.csv.*folder of pictures"):
        load(write(tmp_path / "letter", b"dear reader"))


def test_missing_file_names_its_like(tmp_path):
    write(tmp_path / "train.csv", b"label")
    with pytest.raises(DataError, match=r"no such file or folder; did you mean train\.csv\?"):
        load(tmp_path / "trian.csv")
    with pytest.raises(DataError, match="no such file or folder; check the path"):
        load(tmp_path / "none" / "at" / "all")
    with pytest.raises(DataError, match="did you mean mnist42k"):
        load("mnist42")


def test_what_is_neither_file_nor_folder_is_told_so(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(DataError, match="is neither a file nor a folder; save what"):
            load(path)


def test_a_pipe_among_pictures_is_told_and_not_waited_for(digits, tmp_path):
    folder = write_pictures(tmp_path / "digits", digits)
    os.mkfifo(folder / "3" / "pipe.png")
    for read in (load, lambda path: list(stream(path))):
        with pytest.raises(DataError, match=r"3/pipe\.png: is not a regular file"):
            read(folder)


def test_a_link_to_nothing_and_stdin_are_told(tmp_path):
    (tmp_path / "train.csv").symlink_to("gone.csv")
    with pytest.raises(DataError, match=r"train\.csv: is a link to what is not there; check"):
        load(tmp_path / "train.csv")
    with pytest.raises(DataError, match="not read from stdin; save them as a file first"):
        load("-")


def test_capitals_in_names_change_nothing(digits, tmp_path):
    with zipfile.ZipFile(tmp_path / "KAGGLE.ZIP", "w") as archive:
        archive.writestr("TRAIN.CSV", csv_bytes(digits))
        archive.writestr("TEST.CSV", csv_bytes(digits, labels=False))
    assert load(tmp_path / "KAGGLE.ZIP").fingerprint() == digits.fingerprint()


def test_single_picture_is_told(digits, tmp_path):
    with pytest.raises(DataError, match="a single picture"):
        load(write(tmp_path / "seven.png", png_bytes(digits.images[0])))
