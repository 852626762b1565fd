"""Seeds, findings and seeded changes of them under any Python with the packages: ``python -m fuzz.replay``.

The fuzzer has wheels for some Pythons only. This needs none, so that the image's own Python is asked as well:
a parser can be right under one Python and wrong under another, as regular expressions were before 3.11.5.
"""

from __future__ import annotations

import random
import sys
import warnings
from pathlib import Path

from .targets import TARGETS, Target

FINDINGS = Path(__file__).with_name("findings")
#: of each target
CHANGES = 3_000


def main() -> None:
    """Run all targets, or those that are named, and print how many inputs each was given."""
    warnings.simplefilter("error")
    for name in sys.argv[1:] or TARGETS:
        target, given = TARGETS[name], 0
        found = FINDINGS / name
        whole = [*target.seeds(), *(path.read_bytes() for path in sorted(found.glob("*")))]
        for data in [*whole, *_changed(whole, target, random.Random(name))]:
            try:
                target.check(data)
            except Exception:
                print(f"{name}: {data!r}", flush=True)
                raise
            given += 1
        print(name, given, flush=True)


def _changed(whole: list[bytes], target: Target, chance: random.Random) -> list[bytes]:
    def mutate(data: bytes, most: int) -> bytes:
        changed = bytearray(data)
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            start = chance.randrange(len(changed) + 1)
            end = min(len(changed), start + chance.choice((0, 0, 1, 1, 2, 8)))
            new = (b"", chance.randbytes(1), bytes(changed[end : end + 8]), chance.choice(tokens))
            changed[start:end] = chance.choice(new)
        return bytes(changed[:most])

    tokens = [*target.tokens, b"\n", b" ", b":", b",", b"\0", b"0"]
    # a booster or an archive takes a hundred times as long as a body
    count = CHANGES // 10 if target.mutate else CHANGES
    seeds = [chance.choice(whole) for _ in range(count)]
    if target.mutate is None:
        return [mutate(seed, target.max_bytes) for seed in seeds]
    return [target.mutate(seed, target.max_bytes, chance, mutate) for seed in seeds]


if __name__ == "__main__":
    main()
