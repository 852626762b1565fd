"""Compares what two images hold: equal layers, or else every path that differs and in what.

``python compare.py FIRST SECOND``; exit code 1 if they differ.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
from typing import Any, NamedTuple

_SHOWN = 50
#: what the engine puts into every container, and folders it does that in: their time is the container's
_ENGINES = {".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf"}
_TOUCHED = {"dev", "etc"}
#: extended attributes, such as capabilities
_ATTRIBUTE = "SCHILY.xattr."


class Entry(NamedTuple):
    """A path's metadata, and the hash of its content where it is a file."""

    kind: bytes
    mode: int
    owner: tuple[int, int]
    time: int | float
    size: int
    target: str
    attributes: tuple[tuple[str, str], ...]
    sha256: str


def main(first: str, second: str) -> int:
    """Print the comparison; 0 if the images hold the same."""
    layers = [_inspect(image)["RootFS"]["Layers"] for image in (first, second)]
    if layers[0] == layers[1]:
        print(f"{first} and {second} have the same {len(layers[0])} layers: {' '.join(layers[0])}")
        return 0
    lines = differences(entries(first), entries(second))
    for line in lines[:_SHOWN]:
        print(line)
    print(
        f"{first} and {second} differ in {len(lines)} paths"
        if lines
        else f"{first} and {second} hold the same files, which the engine has packed in another order"
    )
    return 1 if lines else 0


def differences(first: dict[str, Entry], second: dict[str, Entry]) -> list[str]:
    """A line for every path that is in one only, or not the same in both."""
    lines = []
    for path in sorted(first.keys() | second.keys()):
        if path not in first or path not in second:
            lines.append(f"{path}: only in the {'first' if path in first else 'second'}")
        elif first[path] != second[path]:
            pairs = zip(Entry._fields, first[path], second[path], strict=True)
            lines.append(f"{path}: " + ", ".join(f"{name} {a!r} and {b!r}" for name, a, b in pairs if a != b))
    return lines


def entries(image: str) -> dict[str, Entry]:
    """Every path of an image."""
    container = _docker("create", image, "/nothing").strip()
    try:
        export = subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE)
        with export, tarfile.open(fileobj=export.stdout, mode="r|") as archive:
            found = read(archive)
        if export.returncode:
            raise subprocess.CalledProcessError(export.returncode, "docker export")
        return found
    finally:
        _docker("rm", container)


def read(archive: tarfile.TarFile) -> dict[str, Entry]:
    """Every path of a container that comes from its image."""
    found = {}
    for member in archive:
        if member.name in _ENGINES:
            continue
        file = archive.extractfile(member) if member.isfile() else None
        headers = member.pax_headers.items()
        found[member.name] = Entry(
            member.type,
            member.mode,
            (member.uid, member.gid),
            0 if member.name in _TOUCHED else member.mtime,
            member.size,
            member.linkname,
            tuple(sorted((name, value) for name, value in headers if name.startswith(_ATTRIBUTE))),
            hashlib.sha256(file.read()).hexdigest() if file else "",
        )
    return found


def _inspect(image: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_docker("image", "inspect", image))[0]
    return document


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
