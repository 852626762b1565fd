"""What derived columns cost: one row as the endpoint scores it, and a split as the train job reads it.

Usage: .venv/bin/python -m benchmarks.derived
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable

import numpy as np

from fraudlab.container.bodies.csv_rows import parse_csv
from fraudlab.container.bodies.rows import finish
from fraudlab.container.features import Column, Features

PLAIN = Features([Column(f"V{at}") for at in range(30)])
CASES = {
    "10 ratios": {f"d{at}": f"V{at} / V{at + 1}" for at in range(10)},
    "10 of five kinds": {
        **{f"ratio{at}": f"V{at} / V{at + 1}" for at in range(4)},
        **{f"product{at}": f"V{at} * V{at + 1}" for at in range(2)},
        **{f"difference{at}": f"V{at} - V{at + 1}" for at in range(2)},
        "large": "where(V0 > 100, V1, 0)",
        "seen": "is_missing(V9)",
    },
    "10 logarithms": {f"d{at}": f"log(1 + abs(V{at}))" for at in range(10)},
    "20 of the handbook's kind": {
        **{f"ratio{at}": f"V{at} / V{at + 1}" for at in range(10)},
        **{f"others{at}": f"V{at} / max((V1 * V2 - V{at}) / (V2 - 1), 0.01)" for at in range(10)},
    },
}


def fastest(work: Callable[[], object], number: int, repeats: int = 200) -> float:
    """Seconds of processor time of one call, in the fastest of some lots: others use the machine as well."""
    return min(timeit.repeat(work, timer=time.process_time, number=number, repeat=repeats)) / number


def main() -> None:
    """Print a table in Markdown."""
    rows = np.random.default_rng(1).normal(size=(100_000, 30)).astype(np.float32)
    body = ",".join(map(repr, rows[0].tolist())).encode()

    def one(features: Features) -> float:
        return 1e6 * fastest(lambda: finish([parse_csv(body, features, 1)], features), 50)

    def many(features: Features) -> float:
        return 1e9 * fastest(lambda: features.given(rows), 1, 5) / len(rows)

    print("| derived columns | µs more for one row | ns more a row of 100,000 |")
    print("| --- | --- | --- |")
    for name, derive in CASES.items():
        features = PLAIN.deriving(derive)
        print(f"| {name} | {one(features) - one(PLAIN):.1f} | {many(features) - many(PLAIN):.0f} |")


if __name__ == "__main__":
    main()
