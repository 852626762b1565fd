"""Exact SHAP values of shallow trees by looking them up, equal to XGBoost's ``pred_contribs``.

What a leaf contributes to a row depends on one thing only: which of the splits above it the row passes. So
the leaves of a tree are in groups that at most eight splits lead to, and for each of the 256 answers
to those splits the sum of the group's contributions is worked out once, a column each. A row then asks every
split at once, eight answers are a byte, and the byte is the place in the group's table.

Contributions are whole multiples of a power of two: their sum does not depend on how many rows are explained
together, or in which order a processor adds.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: splits of a group: their answers are one byte
SPLITS = 8
#: rows of all tables, of eight numbers in four bytes each; trees that need more are left to XGBoost
MAX_TABLE_ROWS = 1 << 19
#: bytes of them, and of a booster that tables are made for: read as JSON it takes ten times as much
MAX_TABLE_BYTES, MAX_BOOSTER_BYTES = 4 * SPLITS * MAX_TABLE_ROWS, 4 << 20
#: numbers that are looked up at once, so that they stay in the processor's cache; and the rows they are of
_LOOKED_UP, _MAX_ROWS = 1 << 17, 64
#: numbers that are worked out at once
_WORKED_OUT = 1 << 17
#: sums stay below what 32 bits hold
_SUM_BITS = 30

Array = NDArray[Any]


class _Step(NamedTuple):
    """One split on the way to a leaf: its place in the group, which way, and the share that goes there."""

    place: int
    left: bool
    feature: int
    share: float


@dataclass(slots=True)
class _Group:
    """Leaves that at most eight splits lead to."""

    tree: Mapping[str, Any]
    nodes: list[int] = field(default_factory=list)
    leaves: list[tuple[float, list[_Step]]] = field(default_factory=list)

    def columns(self) -> list[int]:
        """The columns its splits ask, in order."""
        return sorted({self.tree["split_indices"][node] for node in self.nodes})


class ReasonTables:
    """Looks the contributions of rows up.

    Parameters
    ----------
    groups : list of _Group
    categories : sequence of int
        How many each column has; 0 for a number.
    """

    def __init__(self, groups: list[_Group], categories: Sequence[int]) -> None:
        self._width = len(categories)
        bits = np.array([len(group.nodes) for group in groups])
        rows = np.left_shift(1, bits)
        self._first: Array = np.cumsum(rows) - rows
        columns = [group.columns() for group in groups]
        table = np.zeros((int(rows.sum()), SPLITS))
        for count in np.unique(bits).tolist():
            chosen = np.flatnonzero(bits == count).tolist()
            _fill(table, [(int(self._first[at]), groups[at], columns[at]) for at in chosen], count)
        self._read_splits(groups, categories)
        # Where each column's numbers stand among those of a row: all of a column become neighbours.
        owner = np.full((len(groups), SPLITS), self._width)
        for at, names in enumerate(columns):
            owner[at, : len(names)] = names
        order = np.argsort(owner.ravel(), kind="stable")
        order = order[: np.count_nonzero(owner < self._width)]
        owners = owner.ravel()[order]
        self._order = order
        self._starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
        self._columns = owners[self._starts]
        most = np.zeros(self._width + 1)
        np.add.at(most, owner.ravel(), np.maximum.reduceat(np.abs(table), self._first, axis=0).ravel())
        # Every sum, also of parts, is below 2**30.
        self._unit = 2.0 ** (np.ceil(np.log2(max(most.max(), 1e-30))) - _SUM_BITS)
        self._table = np.rint(table / self._unit).astype(np.int32)
        self._rows_at_once = max(1, min(_MAX_ROWS, _LOOKED_UP // (SPLITS * len(groups))))

    @property
    def nbytes(self) -> int:
        """Bytes of the tables."""
        return int(self._table.nbytes)

    def contributions(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each column adds to the raw score of each row, shape (rows, columns)."""
        found = np.zeros((len(matrix), self._width), np.float32)
        for start in range(0, len(matrix), self._rows_at_once):
            rows = matrix[start : start + self._rows_at_once]
            looked_up = self._table.take(self._answers(rows) + self._first, axis=0)
            numbers = looked_up.reshape(len(rows), -1).take(self._order, axis=1)
            sums = np.add.reduceat(numbers, self._starts, axis=1, dtype=np.int32)
            found[start : start + len(rows), self._columns] = sums * self._unit
        return found

    def _answers(self, rows: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The answers to the splits of each group, as the place in its table."""
        missing = np.isnan(rows)
        both = np.concatenate([np.where(missing, -np.inf, rows), np.where(missing, np.inf, rows)], axis=1)
        left = both.take(self._inputs, axis=1) < self._thresholds
        for column, (places, known) in self._categories.items():
            codes = np.where(missing[:, column], len(known) - 1, rows[:, column]).astype(np.int64)
            left[:, places] = known[codes]
        return np.packbits(left, axis=1)

    def _read_splits(self, groups: list[_Group], categories: Sequence[int]) -> None:
        """Where each split looks: a missing value is minus infinity where it goes left, else infinity."""
        inputs = np.zeros((len(groups), SPLITS), np.int64)
        thresholds = np.full((len(groups), SPLITS), -np.inf, np.float32)  # nothing is below that: 0
        lists: dict[int, list[tuple[int, Array]]] = {}
        for number, group in enumerate(groups):
            tree = group.tree
            for place, node in enumerate(group.nodes, SPLITS - len(group.nodes)):
                column, default = tree["split_indices"][node], bool(tree["default_left"][node])
                if tree["split_type"][node]:
                    left = np.ones(categories[column] + 1, np.bool_)
                    left[_categories_right(tree, node)] = False
                    left[-1] = default
                    lists.setdefault(column, []).append((number * SPLITS + place, left))
                else:
                    inputs[number, place] = column if default else column + self._width
                    thresholds[number, place] = tree["split_conditions"][node]
        self._inputs, self._thresholds = inputs.ravel(), thresholds.ravel()
        self._categories = {
            column: (np.array([place for place, _ in splits]), np.stack([left for _, left in splits], axis=1))
            for column, splits in lists.items()
        }


def reason_tables(booster: Mapping[str, Any], categories: Sequence[int]) -> ReasonTables | None:
    """Tables for a booster; None where it is too large, or a leaf is deeper than eight splits.

    Parameters
    ----------
    booster : mapping
        As XGBoost writes it in JSON.
    categories : sequence of int
        How many each column has; 0 for a number.
    """
    trees = booster["learner"]["gradient_booster"]
    weights: Sequence[float] | None = trees.get("weight_drop")
    trees = trees.get("gbtree", trees)["model"]["trees"]
    groups: list[_Group] = []
    rows = 0
    for number, tree in enumerate(trees):
        for group in _groups(tree, 1.0 if weights is None else weights[number]):
            if group is None:
                return None
            groups.append(group)
            rows += 1 << len(group.nodes)
            if rows > MAX_TABLE_ROWS:
                return None
    return ReasonTables(groups, categories) if groups else None


def _groups(tree: Mapping[str, Any], weight: float) -> Iterator[_Group | None]:
    """The groups of a tree, from left to right; None where the tree is too deep."""
    left, right, hessian = tree["left_children"], tree["right_children"], tree["sum_hessian"]
    if left[0] < 0:
        return
    splits = _splits_below(left, right)
    waiting: list[tuple[int, list[tuple[int, bool]]]] = [(0, [])]
    while waiting:
        node, path = waiting.pop()
        if len(path) + splits[node] > SPLITS:
            if len(path) == SPLITS:
                yield None
                return
            waiting += [(right[node], [*path, (node, False)]), (left[node], [*path, (node, True)])]
            continue
        group = _Group(tree, [above for above, _ in path])
        below = [(node, path)]
        while below:
            at, way = below.pop()
            if left[at] >= 0:
                group.nodes.append(at)
                below += [(right[at], [*way, (at, False)]), (left[at], [*way, (at, True)])]
                continue
            steps = [
                _Step(
                    group.nodes.index(above),
                    goes_left,
                    tree["split_indices"][above],
                    hessian[left[above] if goes_left else right[above]] / hessian[above],
                )
                for above, goes_left in way
            ]
            group.leaves.append((weight * tree["split_conditions"][at], steps))
        yield group


def _splits_below(left: Sequence[int], right: Sequence[int]) -> list[int]:
    """How many splits there are from each node on."""
    order, at = [0], 0
    while at < len(order):
        if left[order[at]] >= 0:
            order += [left[order[at]], right[order[at]]]
        at += 1
    splits = [0] * len(left)
    for node in reversed(order):
        if left[node] >= 0:
            splits[node] = 1 + splits[left[node]] + splits[right[node]]
    return splits


def _categories_right(tree: Mapping[str, Any], node: int) -> Sequence[int]:
    """The categories that a split sends right."""
    at = tree["categories_nodes"].index(node)
    first = tree["categories_segments"][at]
    found: Sequence[int] = tree["categories"][first : first + tree["categories_sizes"][at]]
    return found


def _fill(table: Array, groups: list[tuple[int, _Group, list[int]]], bits: int) -> None:
    """Add the contributions of the leaves of groups of as many splits to their rows of the table."""
    leaves = [
        (first, columns, value, steps) for first, group, columns in groups for value, steps in group.leaves
    ]
    at_once = max(1, _WORKED_OUT // (SPLITS << bits))
    for start in range(0, len(leaves), at_once):
        _fill_some(table, leaves[start : start + at_once], bits)


def _fill_some(table: Array, leaves: list[tuple[int, list[int], float, list[_Step]]], bits: int) -> None:
    answers = np.arange(1 << bits)
    depth = max(len({step.feature for step in steps}) for _, _, _, steps in leaves)
    # A column that is not on the way to a leaf is passed by all rows.
    share = np.ones((len(leaves), depth))
    passed = np.ones((len(leaves), depth, answers.size), np.bool_)
    slot = np.zeros((len(leaves), depth), np.int64)
    bit_of = [(answers >> (bits - 1 - place)) & 1 == 1 for place in range(bits)]
    for number, (_, columns, _, steps) in enumerate(leaves):
        known: dict[int, int] = {}
        for step in steps:
            place = known.setdefault(step.feature, len(known))
            slot[number, place] = columns.index(step.feature)
            share[number, place] *= step.share
            bit = bit_of[step.place]
            passed[number, place] &= bit if step.left else ~bit
    value = np.array([value for _, _, value, _ in leaves])
    found = _shapley(share, passed) * value[:, None, None]
    first = np.array([first for first, _, _, _ in leaves])
    places = ((first[:, None, None] + answers) * SPLITS + slot[:, :, None]).ravel()
    begin, end = int(first.min()) * SPLITS, (int(first.max()) + answers.size) * SPLITS
    flat = table.reshape(-1)
    flat[begin:end] += np.bincount(places - begin, found.ravel(), end - begin)


def _shapley(share: Array, passed: Array) -> Array:
    """Shapley values of leaves of value 1, shape (leaves, columns, answers).

    A coalition's worth is the product over the columns: 1 or 0 for those in it, by whether the row passes,
    and for the others the share of the train rows that does. Its Shapley values are integrals over the chance
    ``t`` of being in it (Owen 1972), of polynomials that Gauss's rule integrates exactly.
    """
    depth = share.shape[1]
    points, weights = np.polynomial.legendre.leggauss((depth + 1) // 2)
    share = share[:, :, None]
    total: Array = np.zeros(passed.shape)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        factor = np.where(passed, point, 0.0) + (1 - point) * share
        before, after = np.ones_like(factor), np.ones_like(factor)
        for at in range(1, depth):
            before[:, at] = before[:, at - 1] * factor[:, at - 1]
            after[:, -at - 1] = after[:, -at] * factor[:, -at]
        total += weight * before * after
    found: Array = total * (passed - share)
    return found


class TableShelf:
    """The tables of the models of a process, of no more bytes than those of one may have.

    Where there are several models, those that were asked for reasons least recently make way, and are worked
    out again when they are.

    Parameters
    ----------
    max_bytes : int
        Of all tables; those that were taken last are held whatever they have.
    """

    def __init__(self, max_bytes: int = MAX_TABLE_BYTES) -> None:
        self._max_bytes = max_bytes
        #: by whose they are, those taken last at the end; None where a model has none
        self._held: weakref.WeakKeyDictionary[Any, ReasonTables | None] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def take(self, owner: object, make: Callable[[], ReasonTables | None]) -> ReasonTables | None:
        """The tables of a model, made where they are not held."""
        with self._lock:
            tables = self._held.pop(owner) if owner in self._held else make()
            others = [(other, held) for other, held in self._held.items() if held is not None]
            too_many = sum(held.nbytes for _, held in others) + (tables.nbytes if tables else 0)
            for other, held in others:
                if tables is None or too_many <= self._max_bytes:
                    break
                del self._held[other]
                too_many -= held.nbytes
            self._held[owner] = tables
            return tables
