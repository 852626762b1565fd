"""One target in a process of its own, which the fuzzer ends: ``python -m fuzz.drive TARGET OPTIONS…``."""

from __future__ import annotations

import random
import sys
import warnings

import atheris

_, name, *options = sys.argv
with atheris.instrument_imports(include=["fraudlab"], enable_loader_override=False):
    from .targets import TARGETS


def change(data: bytes, most: int, seed: int) -> bytes:
    assert target.mutate is not None
    return target.mutate(data, most, random.Random(seed), atheris.Mutate)


def check(data: bytes) -> None:
    target.check(data)


target = TARGETS[name]
warnings.simplefilter("error")
mutator = {"custom_mutator": change} if target.mutate else {}
atheris.Setup([name, *options], check, **mutator)
atheris.Fuzz()
