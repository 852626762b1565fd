"""Containers for a test, and a model that the image itself has made, once for all tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import pytest

from . import opt_ml, tables


class Shelf:
    """What several tests start from, made when the first of them asks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._standalone: dict[str, Path] = {}

    @cached_property
    def prepared(self) -> Path:
        """The tree of a processing job: numbers with gaps, categories, an amount, scaling."""
        tree = opt_ml.Tree(self._folder / "prepared")
        tables.lay_out_processing(tree)
        return self._made(tree, "process")

    @cached_property
    def trained(self) -> Path:
        """The tree of a training job on it."""
        tree = opt_ml.Tree(self._folder / "trained")
        tables.lay_out_training(tree, self.prepared)
        return self._made(tree, "train")

    def standalone(self, hyperparameters: Mapping[str, str]) -> Path:
        """The tree of a training job that had no process job before it."""
        name = "-".join(f"{key}={value}" for key, value in sorted(hyperparameters.items()))
        if name not in self._standalone:
            tree = opt_ml.Tree(self._folder / f"standalone-{len(self._standalone)}")
            tables.lay_out_standalone(tree, **hyperparameters)
            self._standalone[name] = self._made(tree, "train")
        return self._standalone[name]

    def _made(self, tree: opt_ml.Tree, command: str) -> Path:
        docker = opt_ml.Docker(self._folder)
        try:
            done = docker.run(tree, command)
        finally:
            docker.end()
        assert done.process.returncode == 0, done.output
        return tree.root


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def docker(docker_engine: None, tmp_path: Path) -> Iterator[opt_ml.Docker]:
    """Runs containers; none is left when the test ends, however it ends."""
    opt_ml.sweep()
    docker = opt_ml.Docker(tmp_path)
    yield docker
    docker.end()


@pytest.fixture
def tree(docker_engine: None, tmp_path: Path) -> Iterator[opt_ml.Tree]:
    """An ``/opt/ml`` without any input."""
    tree = opt_ml.Tree(tmp_path / "ml")
    yield tree
    tree.reclaim()


@pytest.fixture
def job(tree: opt_ml.Tree, shelf: Shelf) -> Callable[..., opt_ml.Tree]:
    """Lay out a training job on the splits of a processing job."""
    return lambda **more: tables.lay_out_training(tree, shelf.prepared, **more)


@pytest.fixture
def model(tree: opt_ml.Tree, shelf: Shelf) -> opt_ml.Tree:
    """An ``/opt/ml`` with a model."""
    shutil.copytree(shelf.trained / "model", tree.root / "model", dirs_exist_ok=True)
    return tree
