import hypothesis.strategies as st
import pytest
from hypothesis import given

from inkdigits.errors import DataError
from inkdigits.reading import Reader
from inkdigits.reading.reader import SHIPPED
from inkdigits.reading.seal import KEY, UNSEALED, is_whole, seal

ENTRY = KEY.encode() + b"\x12\x40"


@given(st.binary(), st.binary(), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_sealed_file_is_whole_and_sealing_it_again_changes_nothing(before, after, old):
    sealed = seal(before + ENTRY + old.encode() + after)
    assert is_whole(sealed)
    assert seal(sealed) == sealed
    assert len(sealed) == len(before + ENTRY + after) + 64


@given(st.data())
def test_one_byte_changed_in_what_ships_is_noticed(data):
    content = SHIPPED.read_bytes()
    start = content.index(ENTRY)
    place = data.draw(
        st.one_of(
            st.integers(0, start - 1),
            st.integers(start + len(ENTRY), len(content) - 1),
            st.integers(len(content) - 64, len(content) - 1),
        )
    )
    changed = bytearray(content)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert is_whole(content)
    assert not is_whole(bytes(changed))


def test_a_reader_with_one_weight_changed_is_refused(tmp_path):
    changed = bytearray(SHIPPED.read_bytes())
    changed[len(changed) // 2] ^= 255
    path = tmp_path / "reader.onnx"
    path.write_bytes(changed)
    with pytest.raises(DataError, match="damaged: it is not what was written; export or copy it"):
        Reader(path)


def test_metadata_that_are_no_text_are_refused_in_a_file_without_a_hash(write):
    path = write()
    path.write_bytes(path.read_bytes().replace(b'"0", "1"', b'"0", "\xff"'))
    with pytest.raises(DataError, match="damaged"):
        Reader(path)


def test_a_file_without_a_hash_is_left_alone_and_cannot_be_sealed():
    assert is_whole(b"written by another program")
    with pytest.raises(ValueError, match=r"no inkdigits\.sha256"):
        seal(b"written by another program")
    assert len(UNSEALED) == 64
