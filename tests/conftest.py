"""What all tests share: resources that may be missing on a laptop but not in CI, and small runs."""

from __future__ import annotations

import gc
import os
import shutil
import warnings
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from fraudlab import redaction

# a shared machine is slow at times, and no test here is about time
settings.register_profile("fraudlab", deadline=None)
settings.load_profile("fraudlab")

ROOT = Path(__file__).parents[1]
pytest_plugins = ["tests.seen_actions", "tests.outcomes", "tests.loopback_aws", "tests.moto_account"]


def require(resource: str, present: bool, why: str) -> None:
    """Skip a test for a missing resource, or fail it where FRAUDLAB_REQUIRE lists the resource."""
    if present:
        return
    if resource in os.environ.get("FRAUDLAB_REQUIRE", "").split(","):
        pytest.fail(f"{resource} is required here: {why}")
    pytest.skip(why)


@cache
def engine_and_image() -> tuple[bool, str]:
    """Whether containers can run here, with the reason where they cannot."""
    from fraudlab.backends.docker_engine import default_image, preflight
    from fraudlab.errors import BackendError

    with warnings.catch_warnings():
        # docker's client leaves its socket open where it may not use the engine's
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            preflight(default_image())
        except BackendError as error:
            return False, error.message
        finally:
            gc.collect()
    return True, ""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip before any fixture of a module is made: some of them start containers themselves."""
    if item.get_closest_marker("docker"):
        require("docker", *engine_and_image())


@pytest.fixture
def docker_engine() -> None:
    """A Docker engine with Compose and the image."""
    require("docker", *engine_and_image())


@pytest.fixture
def chromium() -> str:
    """Path of a headless-capable Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    require("browser", found is not None, "no Chromium in PATH")
    assert found is not None
    return found


@pytest.fixture
def data_dir() -> Path:
    """Folder with the real tables."""
    folder = Path(os.environ.get("FRAUDLAB_DATA", ROOT.parent / "shared" / "data"))
    require("data", (folder / "handbook.parquet").is_file(), f"no real tables in {folder}")
    return folder


@pytest.fixture(autouse=True)
def no_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test uses an account of the person who runs it."""
    for name in [n for n in os.environ if n.startswith(("COMET_", "AWS_"))]:
        if name != "AWS_CA_BUNDLE":
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another test's configuration took from its environment is not hidden in this one's."""
    monkeypatch.setattr(redaction, "_interpolated", {})
    monkeypatch.setattr(redaction, "_showing", [])
    monkeypatch.setattr(redaction, "_kept", set())


@pytest.fixture
def no_own_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration without ``conf/local`` of whoever runs the tests, from an empty current folder."""
    from fraudlab import compose

    folder = tmp_path / "as-it-comes"
    shutil.copytree(compose.config_folder(), folder, ignore=shutil.ignore_patterns("local"))
    monkeypatch.setattr(compose, "config_folder", lambda: folder)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
