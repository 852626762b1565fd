"""``NAME:VERSION`` where a run or a model's folder can stand: serve, deploy, Compose."""

from __future__ import annotations

from pathlib import Path

import pytest

from fraudlab import commands
from fraudlab.cli import main
from fraudlab.errors import RegistryError
from fraudlab.registry import registered_run, standing_name

from .version_runs import promote, with_versions


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that `serve` would have been started with."""
    found: list[Path] = []

    def execve(_program: str, _words: list[str], environment: dict[str, str]) -> None:
        found.append(Path(environment["FRAUDLAB_MODEL_DIR"]))

    monkeypatch.setattr(commands.os, "execve", execve)
    monkeypatch.setattr(commands, "require_free_port", lambda *_: None)
    return found


def test_serve_takes_a_version_by_number_stage_and_latest(in_tmp: Path, served: list[Path]) -> None:
    promote(with_versions(in_tmp, 2), 1)
    for word, number in (("production", 1), ("2", 2), ("v2", 2), ("latest", 2), ("1", 1)):
        main(["serve", "--model", f"fraud:{word}"])
        assert (served[-1] / "model.ubj").read_bytes() == b"booster %d" % number
    (in_tmp / "registry").rename(in_tmp / "elsewhere")
    main(["serve", "--model", "fraud:1", "--registry", "elsewhere"])
    assert len(served) == 6


def test_a_version_that_is_not_there_or_not_whole_is_not_served(
    in_tmp: Path, served: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    registry = with_versions(in_tmp, 1)
    for word in ("fraud:2", "fraud:production", "frod:1"):
        assert main(["serve", "--model", word]) == 12
    assert "did you mean 'fraud'?" in capsys.readouterr().err
    (registry.folder / "fraud:1" / "model.ubj").write_bytes(b"other")
    assert main(["serve", "--model", "fraud:1"]) == 12
    assert "is not what was registered" in capsys.readouterr().err
    assert served == []


def test_a_folder_with_the_name_of_a_version_is_not_guessed_about(in_tmp: Path, served: list[Path]) -> None:
    with_versions(in_tmp, 1)
    folder = in_tmp / "fraud:1"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    with pytest.raises(RegistryError, match="and a folder here"):
        registered_run("fraud:1", registry=Path("registry"))
    main(["serve", "--model", "./fraud:1"])
    assert served == [folder]


def test_what_is_followed_is_the_link_of_a_stage(in_tmp: Path, served: list[Path]) -> None:
    registry = with_versions(in_tmp, 2)
    promote(registry, 1)
    main(["serve", "--model", "fraud:production", "--follow"])
    assert served == [registry.folder / "fraud:production"]
    promote(registry, 2)
    assert (served[0] / "model.ubj").read_bytes() == b"booster 2"
    (in_tmp / "latest").symlink_to("run-1")
    main(["serve", "--model", "latest/model", "--follow"])
    assert served[1] == in_tmp / "latest" / "model"


@pytest.mark.parametrize("fixed", ["fraud:1", "fraud:latest", "run-1/model"])
def test_what_is_always_the_same_model_is_not_followed(
    in_tmp: Path, served: list[Path], fixed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with_versions(in_tmp, 1)
    assert main(["serve", "--model", fixed, "--follow"]) == 2
    assert "there is nothing to follow" in capsys.readouterr().err
    assert served == []


def test_only_a_stage_has_an_endpoint_of_its_own() -> None:
    assert standing_name("fraud:production") == "fraud-production"
    assert [standing_name(text) for text in ("fraud:3", "fraud:latest", "latest", "fraud")] == [None] * 4
