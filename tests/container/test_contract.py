import errno
import hashlib
import json
from pathlib import Path

import pytest

from fraudlab.container.contract import Fields, Tree, file_sha256, read_json, whole_file, write_json
from fraudlab.container.failure import ConfigError


def test_the_tree_is_opt_ml_unless_the_environment_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRAUDLAB_ML_ROOT", raising=False)
    monkeypatch.delenv("FRAUDLAB_MODEL_DIR", raising=False)
    assert Tree.from_environment().model == Path("/opt/ml/model")
    monkeypatch.setenv("FRAUDLAB_ML_ROOT", "here")
    assert Tree.from_environment().root == Path.cwd() / "here"
    monkeypatch.setenv("FRAUDLAB_ML_ROOT", "/somewhere")
    tree = Tree.from_environment()
    assert tree.channel("train") == Path("/somewhere/input/data/train")
    assert tree.training_failure == Path("/somewhere/output/failure")
    assert tree.processing_message == Path("/somewhere/output/message")
    monkeypatch.setenv("FRAUDLAB_MODEL_DIR", "/models/a")
    assert tree.model == Path("/models/a")


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    with pytest.raises(OSError, match="No space"), whole_file(path) as file:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(path.parent.iterdir()) == []
    with whole_file(path) as file:
        file.write(b"all ")
        file.write(b"of it")
    assert path.read_bytes() == b"all of it"
    assert file.sha256 == hashlib.sha256(b"all of it").hexdigest() == file_sha256(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_json_round_trip_and_refusals(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"ü": [1, None, 0.1]})
    assert read_json(path) == {"ü": [1, None, 0.1]}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"nan": float("nan")})
    assert json.loads(path.read_text()) == {"ü": [1, None, 0.1]}
    for text, sentence in (("[1]", "does not hold a JSON object"), ("{", "is not JSON")):
        path.write_text(text)
        with pytest.raises(ConfigError, match=sentence):
            read_json(path)
    with pytest.raises(ConfigError, match="is missing"):
        read_json(tmp_path / "absent.json")


def test_fields_are_typed() -> None:
    fields = Fields(
        {"n": 1, "text": "a", "list": ["a", "b"], "inner": {"x": None}, "flag": True}, source="f.json"
    )
    assert fields.get("n", float) == 1.0
    assert isinstance(fields.get("n", float), float)
    assert fields.get("absent", int, 7) == 7
    assert fields.names("list") == ("a", "b")
    assert fields.names("nowhere") == ()
    assert fields.choice("text", "a", "b") == "a"
    assert fields.fields("inner").optional("x", str) is None
    assert fields.get("flag", bool) is True
    fields.end()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"n": "1"}, "'n' in f.json is '1', where int is expected"),
        ({"n": True}, "'n' in f.json is True, where int is expected"),
        ({"n": 1.5}, "'n' in f.json is 1.5, where int is expected"),
        ({}, "f.json has no 'n'"),
        ({"n": None}, "f.json has no 'n'"),
    ],
)
def test_wrong_types_are_named(content: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Fields(content, source="f.json").get("n", int)
    assert caught.value.sentence == sentence


def test_choices_names_and_unknown_fields() -> None:
    fields = Fields({"policy": "flagg", "id": ["a", "a"], "extra": 1}, source="f.json")
    with pytest.raises(ConfigError) as caught:
        fields.choice("policy", "flag", "drop")
    assert caught.value.sentence == "'policy' in f.json is 'flagg' (did you mean 'flag'?)"
    assert caught.value.fix == "use one of: flag, drop"
    with pytest.raises(ConfigError, match="not a list of distinct column names"):
        fields.names("id")
    with pytest.raises(ConfigError, match="f.json has an unknown field 'extra'"):
        fields.end()
