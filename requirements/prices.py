"""Write the prices that fraudlab carries: ``src/fraudlab/plan/list_prices.csv`` and ``volume_prices.csv``.

Usage: .venv/bin/python requirements/prices.py INSTANCES.csv STORAGE.csv

The first table has a row for each region, instance type and component (``region, instance, component,
usd_per_hour, kind, source, date``), the second one for each item (``region, item, unit, usd, source, date``).
Rows that differ in their component alone become one. Of a source only what identifies it is kept.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "src" / "fraudlab" / "plan"
COMPONENTS = ("processing", "training", "transform", "hosting")
#: the components whose volumes an item of the second table is about
VOLUMES = {
    "training/hosting/warm-pool ml volume": ("training", "hosting"),
    "training/hosting ml volume": ("training", "hosting"),
    "processing ml volume": ("processing",),
}
Row = Mapping[str, str]


def instances(rows: Iterable[Row]) -> list[list[str]]:
    """Rows of ``list_prices.csv``, sorted."""
    together: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        if row["component"] not in COMPONENTS:
            raise ValueError(f"unknown component {row['component']!r}")
        facts = (row["usd_per_hour"], row["kind"], row["date"], row["source"])
        together.setdefault((row["region"], row["instance"], *facts), set()).add(row["component"])
    return sorted(
        [region, instance, " ".join(name for name in COMPONENTS if name in found), *facts]
        for (region, instance, *facts), found in together.items()
    )


def volumes(rows: Iterable[Row]) -> list[list[str]]:
    """Rows of ``volume_prices.csv``, sorted; what is no volume of a job or endpoint is left out."""
    found = []
    for row in rows:
        if row["item"] in VOLUMES and row["unit"] == "GB-month":
            kind = row["source"].split(" ")[0].rstrip(":").lower()
            if kind not in {"read", "derived"}:
                raise ValueError(f"neither read nor derived: {row['source']!r}")
            components = " ".join(VOLUMES[row["item"]])
            found.append([row["region"], components, row["usd"], kind, row["date"], row["source"]])
    return sorted(found)


def main(words: list[str]) -> int:
    """Read both tables and write both files."""
    if len(words) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    tables = []
    for word in words:
        with Path(word).open(encoding="utf-8", newline="") as file:
            tables.append(list(csv.DictReader(file)))
    write(
        TARGET / "list_prices.csv",
        ["region", "instance", "components", "usd_per_hour", "kind", "date", "source"],
        instances(tables[0]),
    )
    write(
        TARGET / "volume_prices.csv",
        ["region", "components", "usd_per_gb_month", "kind", "date", "source"],
        volumes(tables[1]),
    )
    return 0


def write(path: Path, head: list[str], rows: list[list[str]]) -> None:
    """Write a table as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
    print(f"wrote {len(rows)} rows to {path}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
