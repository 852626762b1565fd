"""Whether the trees of a booster are trees: many at a time, as arrays over all their nodes.

A node is known by its place in its tree. A leaf has no children (-1), and its value stands where other nodes
have their threshold. The right child follows the left one: XGBoost's predictor takes that for granted.
Pruning leaves nodes behind that no path leads to, marked as deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.model_files.ubjson import Cursor, Malformed, array_key, key, text

#: far deeper than trained trees; XGBoost descends by recursion, and for reason codes needs memory a level
MAX_DEPTH = 4096
#: XGBoost keeps a bit a category, up to the largest one, for every split on categories
MAX_CATEGORY_BYTES = 1 << 30
#: trees are checked together up to this many: enough to make numpy fast, few enough to be little memory
BATCH_NODES, BATCH_TREES = 1 << 18, 1 << 12
#: the parent of the root, and the feature of a deleted node
_NONE = 2**31 - 1

#: the arrays of a tree in XGBoost's order, which is the alphabet's, with UBJSON's markers for their types.
ARRAYS = {
    "base_weights": "d",
    "categories": "l",
    "categories_nodes": "l",
    "categories_segments": "L",
    "categories_sizes": "L",
    "default_left": "U",
    "left_children": "l",
    "loss_changes": "d",
    "parents": "l",
    "right_children": "l",
    "split_conditions": "d",
    "split_indices": "l",
    "split_type": "U",
    "sum_hessian": "d",
}
_HEADS = {name: array_key(name, marker) for name, marker in ARRAYS.items()}
_ID, _PARAMETERS = key("id"), key("tree_param") + b"{" + key("num_deleted")

Array = NDArray[Any]


class Trees:
    """Reads the trees of a booster one by one, and checks them as they come.

    Parameters
    ----------
    cursor : Cursor
        Before the first tree.
    categories : sequence of int
        How many each column has; 0 for a number.
    """

    def __init__(self, cursor: Cursor, categories: Sequence[int]) -> None:
        self._cursor = cursor
        self._categories = np.array(categories, np.int64)
        self._columns = [key("num_feature"), text(str(len(categories))), key("num_nodes")]
        self._pieces: dict[str, list[Array]] = {name: [] for name in ARRAYS}
        self._deleted: list[int] = []
        self._nodes = self._checked = self._category_bytes = 0
        self._largest: list[NDArray[np.float64]] = []

    def read(self, count: int) -> NDArray[np.float64]:
        """Read and check `count` trees.

        Returns
        -------
        ndarray of float64, shape (count,)
            The largest value of each tree's leaves, up or down.

        Raises
        ------
        Malformed
            If one is not as XGBoost writes it, or is no tree.
        """
        for number in range(count):
            self._cursor.where = f"tree {number}"
            self._read_one(number)
            full = self._nodes >= BATCH_NODES or len(self._deleted) >= BATCH_TREES
            if full or number == count - 1:
                self._check_batch()
        self._cursor.where = "after the trees"
        return np.concatenate(self._largest)

    def _read_one(self, number: int) -> None:
        cursor = self._cursor
        cursor.expect(b"{", "a tree")
        nodes = -1
        for name, head in _HEADS.items():
            if name == "left_children":
                cursor.expect(_ID, "'id'")
                if cursor.whole("'id'") != number:
                    raise cursor.malformed(f"'id' is not {number}")
            values = cursor.array(head, ARRAYS[name], f"'{name}'")
            nodes = values.size if nodes < 0 else nodes
            if values.size != nodes and not name.startswith("categories"):
                raise cursor.malformed(f"{name!r} has {values.size} values for {nodes} nodes")
            self._pieces[name].append(values)
        cursor.expect(_PARAMETERS, "'tree_param'")
        deleted = cursor.text("'num_deleted'")
        if len(deleted) > 10 or not (deleted.isascii() and deleted.isdecimal()):
            raise cursor.malformed("'num_deleted' is not a whole number")
        rest = b"".join([*self._columns, text(str(nodes)), key("size_leaf_vector")])
        # one output is 1, and was 0 in what XGBoost before 2.0 wrote, also where 3.2 has saved it again
        if not cursor.finds(rest + text("0") + b"}}"):
            cursor.expect(
                rest + text("1") + b"}}",
                f"a tree of {len(self._categories)} features, {nodes} nodes and one output",
            )
        if not nodes:
            raise cursor.malformed("it has no nodes")
        self._deleted.append(int(deleted))
        self._nodes += nodes

    def _check_batch(self) -> None:
        sizes = np.array([piece.size for piece in self._pieces["left_children"]])
        batch = _Batch(
            self._checked,
            sizes,
            {
                name: np.concatenate(pieces).astype(pieces[0].dtype.newbyteorder("="))
                for name, pieces in self._pieces.items()
            },
        )
        batch.check_shape(np.array(self._deleted))
        batch.check_values(self._categories)
        lengths = [
            np.array([piece.size for piece in self._pieces[name]])
            for name in ("categories_nodes", "categories_segments", "categories_sizes", "categories")
        ]
        self._category_bytes += batch.check_categories(self._categories, *lengths)
        if self._category_bytes > MAX_CATEGORY_BYTES:
            raise Malformed(f"its splits on categories need more than {MAX_CATEGORY_BYTES >> 20} MiB")
        self._largest.append(batch.largest_leaves())
        self._checked += sizes.size
        self._nodes = 0
        self._deleted.clear()
        for pieces in self._pieces.values():
            pieces.clear()


class _Batch:
    """Nodes of trees, one after the other.

    Parameters
    ----------
    first : int
        Number of the first tree.
    sizes : ndarray of int, shape (trees,)
    arrays : dict of ndarray
        By XGBoost's names.
    """

    def __init__(self, first: int, sizes: Array, arrays: dict[str, Array]) -> None:
        self._first = first
        self._sizes = sizes
        self._arrays = arrays
        self._start = np.cumsum(sizes) - sizes
        self._base = np.repeat(self._start, sizes)
        self._place = np.arange(self._base.size) - self._base
        self._left = arrays["left_children"]
        self._leaf = self._left == -1
        self._inner = np.flatnonzero(~self._leaf)
        self._deleted = (arrays["split_indices"] == _NONE) & (arrays["default_left"] == 1)

    def _refuse(self, bad: Array, sentence: str, nodes: Array | None = None) -> None:
        """Raise for the first node, of all or of `nodes`, that is bad."""
        if not bad.any():
            return
        found = int(np.argmax(bad))
        node = found if nodes is None else int(nodes[found])
        tree = int(np.searchsorted(self._start, node, side="right")) - 1
        raise Malformed(f"tree {self._first + tree}, node {node - int(self._start[tree])} {sentence}")

    def _refuse_tree(self, bad: Array, sentence: str) -> None:
        if bad.any():
            raise Malformed(f"tree {self._first + int(np.argmax(bad))} {sentence}")

    def check_shape(self, deleted: Array) -> None:
        """Whether every node but the deleted ones hangs below its tree's root, once.

        Children come after their parent, and each knows it as its parent: so there is no cycle, and none is
        the child of two. As many links as nodes then leave no node out.
        """
        inner, place, arrays = self._inner, self._place, self._arrays
        left, right, parent = self._left[inner], arrays["right_children"], arrays["parents"]
        last = np.repeat(self._sizes, self._sizes) - 1
        outside = (left <= place[inner]) | (left >= last[inner])
        self._refuse(outside, "has a child that is no node after it", inner)
        self._refuse(right[inner] != left + 1, "has children that are not neighbours", inner)
        self._refuse(self._leaf & (right != -1), "has a right child and no left one")
        root = place == 0
        self._refuse(root & (parent != _NONE), "is the root and has a parent")
        self._refuse(~root & ((parent < 0) | (parent > last)), "has a parent that is no node")
        child = self._base[inner] + left
        strangers = (parent[child] != place[inner]) | (parent[child + 1] != place[inner])
        self._refuse(strangers, "has a child with another parent", inner)
        self._refuse(self._deleted[inner], "is deleted and has children", inner)
        self._refuse(self._deleted[child] | self._deleted[child + 1], "has a deleted child", inner)
        self._refuse(self._deleted & root, "is the root and deleted")
        found = np.add.reduceat(self._deleted, self._start, dtype=np.int64)
        self._refuse_tree(found != deleted, "has other deleted nodes than 'num_deleted' says")
        links = 2 * np.add.reduceat(~self._leaf, self._start, dtype=np.int64)
        self._refuse_tree(links + 1 + found != self._sizes, "has nodes that no path leads to")
        # a path passes a node a level, and each has a sibling
        for tree in np.flatnonzero(self._sizes > 2 * MAX_DEPTH):
            self._check_depth(int(tree))

    def _check_depth(self, tree: int) -> None:
        begin, end = int(self._start[tree]), int(self._start[tree] + self._sizes[tree])
        above = self._arrays["parents"][begin:end].copy()
        above[0] = 0
        depth = (np.arange(above.size) > 0).astype(np.int64)
        while (above > 0).any():  # each round doubles the levels that are counted
            depth += depth[above]
            above = above[above]
        self._refuse_tree(
            np.arange(self._sizes.size) == (tree if depth.max() > MAX_DEPTH else -1),
            f"is {depth.max()} levels deep; the limit is {MAX_DEPTH}",
        )

    def check_values(self, categories: Array) -> None:
        """Whether every node tests a column there is, and every leaf has a value."""
        arrays, inner = self._arrays, self._inner
        feature, kind, value = arrays["split_indices"], arrays["split_type"], arrays["split_conditions"]
        weight = arrays["sum_hessian"]
        self._refuse(arrays["default_left"] > 1, "sends missing values neither left nor right")
        self._refuse(kind > 1, "splits in an unknown way")
        absent = ~self._deleted & ((feature < 0) | (feature >= categories.size))
        self._refuse(absent, f"splits on a column beyond the {categories.size} of model.json")
        self._refuse(self._leaf & ~np.isfinite(value), "is a leaf whose value is not finite")
        self._refuse(np.isnan(value[inner]) & (kind[inner] == 0), "has no threshold", inner)
        self._refuse(~np.isfinite(weight) | (weight < 0), "has a weight that is no number of at least 0")
        self._refuse(weight[inner] == 0, "splits rows that weigh nothing", inner)
        child = self._base[inner] + self._left[inner]
        # the weights of children are sums of their own, and rounded
        heaviest = np.maximum(weight[child], weight[child + 1])
        self._refuse(heaviest / 1.001 > weight[inner], "weighs less than a child of its", inner)

    def check_categories(
        self, categories: Array, nodes: Array, segments: Array, sizes: Array, values: Array
    ) -> int:
        """Whether the splits on categories name categories of their columns.

        Parameters
        ----------
        categories : ndarray of int, shape (columns,)
        nodes, segments, sizes, values : ndarray of int, shape (trees,)
            How many values each tree has in each of the four arrays.

        Returns
        -------
        int
            Bytes XGBoost will need for them.
        """
        arrays = self._arrays
        splits = np.flatnonzero(arrays["split_type"])
        expected = np.add.reduceat(arrays["split_type"], self._start, dtype=np.int64)
        uneven = (nodes != expected) | (segments != expected) | (sizes != expected)
        self._refuse_tree(uneven, "does not describe each of its splits on categories once")
        elsewhere = arrays["categories_nodes"] != self._place[splits]
        self._refuse(elsewhere, "splits on categories that are said to be another node's", splits)
        many = arrays["categories_sizes"]
        # before they are added up, which could wrap around
        impossible = (many < 1) | (many > arrays["categories"].size)
        self._refuse(impossible, "has no such number of categories", splits)
        ends = np.cumsum(many)
        tree_of_split = np.repeat(np.arange(self._sizes.size), expected)
        totals = np.bincount(tree_of_split, many, self._sizes.size)
        self._refuse_tree(totals != values, "has more or fewer categories than its splits take")
        first_value = np.cumsum(values) - values
        begins = arrays["categories_segments"] + first_value[tree_of_split]
        self._refuse(begins != ends - many, "has categories that do not follow the node's before", splits)
        if not splits.size:
            return 0
        # of which column a deleted split was, the file no longer says
        feature = arrays["split_indices"][splits].clip(max=categories.size)
        limit = np.append(categories, categories.max())[feature]
        outside = (arrays["categories"] < 0) | (arrays["categories"] >= np.repeat(limit, many))
        self._refuse(outside, "splits on a category its column does not have", np.repeat(splits, many))
        return int((np.maximum.reduceat(arrays["categories"], ends - many) // 32 + 1).sum()) * 4

    def largest_leaves(self) -> NDArray[np.float64]:
        """The largest value of each tree's leaves, up or down."""
        values = np.where(self._leaf, np.abs(self._arrays["split_conditions"]), 0).astype(np.float64)
        return np.maximum.reduceat(values, self._start)
