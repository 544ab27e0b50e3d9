"""Picture files of every kind, whole and hostile."""

import contextlib
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from inkdigits.errors import DataError
from inkdigits.images import MAX_BYTES, decode, normalise, read_picture

LOSSLESS = ("PNG", "TIFF", "BMP", "GIF", "PPM")
FORMATS = (*LOSSLESS, "JPEG", "WEBP", "HEIF")


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_grey(seven, encode, form):
    grey = decode(encode(seven, form))
    assert grey.dtype == np.uint8
    off = np.abs(grey.astype(int) - np.asarray(seven))
    assert off.mean() < (0.01 if form in LOSSLESS else 3)


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        *[(mode, "PNG") for mode in ("1", "P", "LA", "RGB", "RGBA")],
        *[(mode, "TIFF") for mode in ("CMYK", "YCbCr", "LAB", "RGBA", "PA")],
        ("CMYK", "JPEG"),
    ],
)
def test_every_mode_gives_the_same_grey(seven, encode, mode, form):
    picture = Image.merge("LAB", [seven] * 3) if mode == "LAB" else seven.convert(mode)
    grey = decode(encode(picture, form)).astype(int)
    assert np.abs(grey - np.asarray(seven)).mean() < (10 if mode == "1" else 3)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("brightest", [1, 4095, 65535])
def test_deep_values_are_stretched(seven, encode, dtype, brightest):
    deep = (np.asarray(seven, np.float32) / 255 * brightest).astype(dtype)
    grey = decode(encode(deep, "TIFF")).astype(int)
    assert np.abs(grey - np.asarray(seven)).max() <= 255 * (brightest == 1 and dtype != np.float32)
    assert (grey.min(), grey.max()) == (0, 255)


def test_one_value_that_is_no_number_hides_no_digit(seven, encode):
    deep = np.asarray(seven, np.float32) / 255
    deep[0, 0] = np.nan
    grey = decode(encode(Image.fromarray(deep), "TIFF"))
    assert np.abs(grey.astype(int) - np.asarray(seven))[1:].max() <= 1


def test_what_is_no_number_is_decoded_too(encode):
    values = np.array([[np.nan, np.inf], [-np.inf, 1]], np.float32)
    assert decode(encode(values, "TIFF")).shape == (2, 2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_come_upright(seven, encode, orientation):
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    turned = seven.transpose(stored[orientation]) if orientation > 1 else seven
    exif = Image.Exif()
    exif[0x0112] = orientation
    for form in ("PNG", "JPEG"):
        grey = decode(encode(turned, form, exif=exif)).astype(int)
        assert np.abs(grey - np.asarray(seven)).mean() < 3


@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (255, 0)])
def test_ink_on_nothing_is_seen_whatever_its_colour(seven, encode, ink, ground):
    alpha = Image.eval(seven, lambda value: 255 - value)
    layer = Image.merge("LA", [Image.new("L", seven.size, ink), alpha])
    grey = decode(encode(layer))
    assert grey[0, 0] == ground
    assert grey[20, 45] == ink


def test_the_first_frame_is_read(seven, encode):
    blank = Image.new("L", seven.size, 255)
    for form in ("GIF", "WEBP", "PNG", "TIFF"):
        moving = encode(seven, form, save_all=True, append_images=[blank])
        assert decode(moving)[20, 45] < 30


def png_header(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = b""
    for kind, content in [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000)))]:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        chunks += struct.pack(">I", len(content)) + kind + content + checksum
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"hello", "not a picture in a format known here"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (bytes(MAX_BYTES + 1), "larger than 64 MiB; scale"),
        (png_header(7000, 7000), "picture of 7000×7000 pixels; at most 36 megapixels"),
        (png_header(60000, 60000), "over 36 megapixels"),
        (png_header(100, 100), "damaged or cut short"),
    ],
)
def test_faults_are_told_in_one_line(content, words):
    with pytest.raises(DataError, match=rf"^mine: .*{words}[^\n]*$"):
        decode(content, "mine")


@pytest.mark.parametrize("form", FORMATS)
def test_cut_files_are_told(seven, encode, form):
    content = encode(seven, form)
    with pytest.raises(DataError, match=r"not a picture|damaged"):
        decode(content[: len(content) // 2])


@pytest.mark.parametrize("shape", [(1, 1), (1, 30_000), (30_000, 1), (2, 2)])
def test_odd_shapes_are_read_and_normalised(encode, shape):
    for form in LOSSLESS:
        grey = decode(encode(np.full(shape, 200, np.uint8), form))
        assert grey.shape == shape
        assert normalise(grey).shape == (28, 28)


def test_heic_without_its_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(DataError, match=r"pip install 'inkdigits\[heic\]'"):
        decode(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")


def test_files_are_read_by_path(seven, encode, tmp_path):
    path = tmp_path / "seven.png"
    path.write_bytes(encode(seven))
    assert np.array_equal(read_picture(path), seven)
    with pytest.raises(DataError, match="cannot be read"):
        read_picture(tmp_path / "eight.png")
    with pytest.raises(DataError, match="a folder; give the pictures in it"):
        read_picture(tmp_path)


LARGEST = [
    ("JPEG", "RGB", (8160, 6120), {"quality": 30, "subsampling": 0}),
    ("JPEG", "CMYK", (6000, 6000), {"quality": 30, "subsampling": 0, "progressive": True}),
    ("PNG", "RGBA", (6000, 6000), {"compress_level": 1}),
    ("WEBP", "RGB", (4000, 4000), {"quality": 30, "method": 0}),
    ("TIFF", "F", (3500, 4500), {}),
    ("TIFF", "F", (6000, 6000), {"compression": "tiff_lzw"}),
]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read there")
@pytest.mark.parametrize(("form", "mode", "size", "options"), LARGEST)
def test_the_largest_pictures_stay_under_half_a_gibibyte(
    encode, tmp_path, form, mode, size, options
):
    path = tmp_path / "large"
    path.write_bytes(encode(Image.new("L", size, 255).convert(mode), form, **options))
    program = (
        "import sys; from pathlib import Path; from inkdigits.images import *\n"
        "normalise(read_picture(Path(sys.argv[1])))\n"
        "print(Path('/proc/self/status').read_text())"
    )
    run = subprocess.run([sys.executable, "-c", program, path], capture_output=True, check=True)
    peak = int(re.search(rb"VmHWM:\s+(\d+) kB", run.stdout)[1])
    assert peak < 512 * 1024


MUTATIONS = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=8)


@pytest.mark.parametrize("form", FORMATS)
def test_mutated_files_give_an_answer_or_one_error(encode, form):
    ramp = np.add.outer(np.arange(40), 5 * np.arange(30)).astype(np.uint8)
    whole = encode(Image.fromarray(ramp).convert("RGB"), form)

    @settings(max_examples=500, suppress_health_check=list(HealthCheck))
    @given(changes=MUTATIONS, cut=st.integers(0, 3), keep=st.integers(1, 2**16))
    def check(changes, cut, keep):
        content = bytearray(whole)
        for place, value in changes:
            content[place % len(content)] = value
        if cut == 0:
            del content[keep % len(content) :]
        with contextlib.suppress(DataError):
            assert normalise(decode(bytes(content))).shape == (28, 28)

    check()
