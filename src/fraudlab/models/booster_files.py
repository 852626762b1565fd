"""Which files of what a person names are boosters, told by their first bytes; none is loaded here."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from fraudlab.archives import unpack
from fraudlab.errors import ArchiveError, ConfigError

#: the official container's names: one booster, or one of each fold
_ONE, _FOLD = re.compile(r"xgboost-model"), re.compile(r"xgboost-model-(\d{1,4})")
_HEAD_BYTES = 512
#: the limit that `serve` has for one file
MAX_BYTES = 2 << 30
_OBJECTIVES = (b"binary:", b"reg:", b"multi:", b"rank:", b"count:", b"survival:")
_RENEW = 'run this where it was made, and import what it writes: python -c "{}"'
_FIXES = {
    "pickle": _RENEW.format(
        "import pickle, xgboost; m = pickle.load(open('xgboost-model', 'rb')); "
        "getattr(m, 'get_booster', lambda: m)().save_model('xgboost-model.json')"
    )
    + " (XGBoost 1.0 or newer)",
    "old binary": _RENEW.format(
        "import xgboost; xgboost.Booster(model_file='xgboost-model').save_model('xgboost-model.json')"
    )
    + " (XGBoost 1.0 to 3.0 can do that, also of older files)",
}
_WORDS = {
    "pickle": "is a pickle, which runs whatever it holds when it is read, so fraudlab never reads one",
    "old binary": "is in XGBoost's old binary format, which XGBoost has dropped",
    "zip": "is a zip file",
    "tar": "is a tar archive that is not compressed",
    "text dump": "is a text dump of trees, which cannot be loaded",
    "html": "is a web page",
    "empty": "is empty",
    "unknown": "is neither UBJSON nor JSON of XGBoost",
}
_OTHER_FIXES = {
    "zip": "unpack it, and name the file in it",
    "tar": "compress it as SageMaker does: gzip {}",
    "text dump": "save the booster where it was made: booster.save_model('xgboost-model.json')",
}
_FIX = "name an xgboost-model file, a model.tar.gz that holds one, or a folder with it"


@dataclass(frozen=True, slots=True)
class BoosterFile:
    """A file of a booster.

    Attributes
    ----------
    path : Path
    name : str
        As a person knows it.
    """

    path: Path
    name: str


def find_boosters(given: Path, unpacked: Path) -> list[BoosterFile]:
    """The files that hold the boosters: one, or one for each fold in their order.

    Parameters
    ----------
    given : Path
        A file, a ``model.tar.gz`` or a folder.
    unpacked : Path
        A folder for what an archive holds.

    Raises
    ------
    ConfigError
        If there is none, none that can be told from others, or one that cannot be loaded, with what mends it.
    ArchiveError
        If an archive is broken or too large.
    """
    if given.is_dir():
        return _in_folder(given, given)
    kind = kind_of(given)
    if kind == "gzip":
        try:
            unpack(given, lambda name: unpacked / name)
        except ArchiveError as error:
            raise ArchiveError(error.message, fix="copy it again from where it was made") from error
        return _in_folder(unpacked, given)
    _require_booster(given, kind, str(given))
    return [BoosterFile(given, given.name)]


def kind_of(path: Path) -> str:
    """What a file's first bytes say it is: ``ubjson``, ``json``, ``gzip``, or a word for what is no booster.

    Raises
    ------
    ConfigError
        If it cannot be read, or is no regular file.
    """
    head = _head(path)
    start = head.lstrip(b" \t\r\n\xef\xbb\xbf")
    if not start:
        return "empty"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"{L") or (head.startswith(b"{") and head[1:2] in b"iUIl" and b"learner" in head[:20]):
        return "ubjson"
    if re.match(rb'\{\s*"', start):
        return "json"
    if head.startswith(b"PK"):
        return "zip"
    if head[257:262] == b"ustar":
        return "tar"
    if (head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05") or re.match(
        rb"c[\w.]+\n[\w.]+\n|\(i?[dlc\n(]|\x78[\x01\x5e\x9c\xda]", head
    ):
        return "pickle"
    if head.startswith((b"binf", b"bs64")) or any(name in head for name in _OBJECTIVES):
        return "old binary"
    if start.startswith((b"booster[", b"0:[", b"0:leaf")):
        return "text dump"
    return "html" if start[:1] == b"<" else "unknown"


def _head(path: Path) -> bytes:
    try:
        # without NONBLOCK, opening a pipe waits for whoever writes to it
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ConfigError(f"{path} is not a regular file.", fix=_FIX)
            return os.read(descriptor, _HEAD_BYTES)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise ConfigError(f"There is no {path}.", fix=_FIX) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", fix=_FIX) from error


def _require_booster(path: Path, kind: str, name: str) -> None:
    if kind == "gzip":
        raise ConfigError(f"{name} is compressed.", fix="unpack it, and name the file in it")
    if kind not in ("json", "ubjson"):
        fix = _FIXES.get(kind) or _OTHER_FIXES.get(kind, _FIX).format(name)
        raise ConfigError(f"{name} {_WORDS[kind]}.", fix=fix)
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(
            f"{name} has {path.stat().st_size:,} bytes; the limit is {MAX_BYTES:,}.",
            fix="train it again with fewer rounds",
        )


def _in_folder(folder: Path, given: Path) -> list[BoosterFile]:
    if (folder / "model.json").is_file() and (folder / "model.ubj").is_file():
        raise ConfigError(f"{given} is a model of fraudlab already.", fix=f"fraudlab serve --model {given}")
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    official = [path for path in files if _ONE.fullmatch(path.name) or _FOLD.fullmatch(path.name)]
    # Script mode saves under any name, beside its own code.
    found = official or [path for path in files if _may_be_booster(path)]
    names = [str(path.relative_to(folder)) for path in found]
    if not found:
        pickles = [path for path in files if kind_of(path) in _FIXES]
        if len(pickles) == 1:
            _require_booster(pickles[0], kind_of(pickles[0]), f"{pickles[0].relative_to(folder)} in {given}")
        seen = ", ".join(str(path.relative_to(folder)) for path in files[:10]) or "nothing"
        raise ConfigError(f"There is no booster in {given}; it holds {seen}.", fix=_FIX)
    if len(found) > 1 and (len({path.parent for path in found}) > 1 or not _are_folds(found)):
        raise ConfigError(
            f"{given} holds several boosters: {', '.join(names[:10])}.",
            fix="unpack it, and name one of the files",
        )
    for path, name in zip(found, names, strict=True):
        _require_booster(path, kind_of(path), f"{name} in {given}")
    if len(found) == 1:
        return [BoosterFile(found[0], names[0])]
    folds = sorted((int(_FOLD.fullmatch(path.name)[1]), path) for path in found)  # type: ignore[index]
    missing = sorted(set(range(folds[-1][0] + 1)) - {number for number, _ in folds})
    if missing:
        raise ConfigError(
            f"{given} has the fold xgboost-model-{folds[-1][0]}, and not xgboost-model-{missing[0]}.",
            fix="copy it again from where it was made, or name one of the files",
        )
    return [BoosterFile(path, path.name) for _, path in folds]


def _are_folds(found: list[Path]) -> bool:
    return all(_FOLD.fullmatch(path.name) for path in found)


def _may_be_booster(path: Path) -> bool:
    kind = kind_of(path)
    if kind == "json":
        return b'"learner"' in _head(path)
    return kind == "ubjson"
