"""Symbols go only where the loader maps the same bytes to the same addresses."""

import struct
from pathlib import Path

import pytest

PAGE = 0x1000


@pytest.fixture
def strip(script):
    return script("containers/xgboost/strip.py")


def shared_object(
    *, mapped: bytes = b"code", offset: int = PAGE, tail: bytes = b"", sections: int = 0
) -> bytes:
    """A 64-bit ELF file with one segment, and whatever follows it."""
    header = struct.pack(
        "<6s10xHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01",
        3,
        62,
        1,
        0,
        64,
        sections,
        0,
        64,
        56,
        1,
        64,
        bool(sections),
        0,
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, offset, PAGE, PAGE, len(mapped), len(mapped), PAGE)
    return (header + segment).ljust(offset, b"\0") + mapped + tail


def test_what_lies_behind_the_segments_is_not_mapped(strip):
    assert strip.mapped(shared_object(tail=b"symbols", sections=5000)) == strip.mapped(shared_object())


@pytest.mark.parametrize("changed", [{"mapped": b"cOde"}, {"mapped": b"cod"}, {"offset": 2 * PAGE}])
def test_a_byte_or_an_offset_that_moves_is_seen(strip, changed):
    assert strip.mapped(shared_object(**changed)) != strip.mapped(shared_object())


def test_what_is_no_64_bit_elf_file_is_an_error(strip):
    with pytest.raises(ValueError, match="not a little-endian 64-bit ELF file"):
        strip.mapped(b"\x7fELF\x01\x01".ljust(64, b"\0"))


def test_a_real_library_is_mapped_by_its_segments(strip):
    import numpy._core._multiarray_umath as extension

    content = Path(extension.__file__).read_bytes()
    table, segments = strip.mapped(content)
    assert len(table) % 56 == 0
    assert 0 < sum(map(len, segments)) <= len(content)
