"""Drops the symbols of shared objects, a fifth of the environment, wherever that provably changes nothing.

`strip` breaks some files that auditwheel has rewritten, and rearranges others. So each file is stripped as a
copy, and the copy taken only if it maps the same bytes at the same addresses: what runs is then the same.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

_LOAD = 1
_HEADER, _SEGMENT = struct.Struct("<16xHHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ")


def main(folder: Path) -> None:
    """Strip what can be stripped below a folder, and say how much that was."""
    before = after = kept = 0
    for file in sorted(folder.rglob("*.so*")):
        if file.is_symlink():
            continue
        copy = file.with_name(file.name + ".stripped")
        subprocess.run(["strip", "--strip-unneeded", "-o", copy, file], check=True)
        before += file.stat().st_size
        if mapped(copy.read_bytes()) == mapped(file.read_bytes()):
            copy.chmod(file.stat().st_mode)
            copy.replace(file)
        else:
            copy.unlink()
            kept += 1
        after += file.stat().st_size
    print(f"strip: {before / 1e6:.0f} MB to {after / 1e6:.0f} MB; {kept} files stay as they are")


def mapped(content: bytes) -> tuple[bytes, list[bytes]]:
    """What the loader sees of a 64-bit ELF file: its program headers, and the bytes they map.

    The three fields of the file header that say where the section table is are not among them.
    """
    fields = _HEADER.unpack_from(content)
    start, size, count = fields[4], fields[8], fields[9]
    if content[:6] != b"\x7fELF\x02\x01" or size != _SEGMENT.size:
        raise ValueError("not a little-endian 64-bit ELF file")
    masked = bytearray(content)
    masked[40:48], masked[58:64] = bytes(8), bytes(6)
    segments = [_SEGMENT.unpack_from(content, start + number * size) for number in range(count)]
    table = bytes(masked[start : start + count * size])
    return table, [
        bytes(masked[offset : offset + length])
        for kind, _, offset, _, _, length, _, _ in segments
        if kind == _LOAD
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
