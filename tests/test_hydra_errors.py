"""Errors of Hydra and OmegaConf, raised by the versions that are installed: each is told as what it is."""

import re
from importlib.metadata import version

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from fraudlab import hydra_errors
from fraudlab.compose import CONFIG_NAME
from fraudlab.config import register_schema
from fraudlab.config_options import config_folder
from fraudlab.hydra_errors import PROSE_OF, Mistake, Told, read

PROSE = [name for name, value in vars(hydra_errors).items() if isinstance(value, re.Pattern)]


def error(*overrides: str) -> Exception:
    """What composing with these overrides, as they are, ends with."""
    register_schema()
    GlobalHydra.instance().clear()
    with (
        pytest.raises((HydraException, OmegaConfBaseException)) as caught,
        initialize_config_dir(str(config_folder()), version_base="1.3"),
    ):
        OmegaConf.to_object(compose(CONFIG_NAME, overrides=list(overrides)))
    return caught.value


CASES = [
    ("data.path=a(b", Told(Mistake.UNREADABLE, "data.path=a(b")),
    ("seed=1,2", Told(Mistake.UNREADABLE, "seed=1,2")),
    ("seed=choice(1,2)", Told(Mistake.UNREADABLE, "seed=choice(1,2)")),
    ("~data.drop", Told(Mistake.TAKEN_AWAY, "~data.drop")),
    ("run.id=${data.lable}", Told(Mistake.REFERENCE, "data.lable")),
    ("run.id=${oc.env:FRAUDLAB_NOT_SET}", Told(Mistake.VARIABLE, "FRAUDLAB_NOT_SET")),
    ("sede=1", Told(Mistake.KEY, "sede")),
    ("model.max_dept=1", Told(Mistake.KEY, "model.max_dept")),
    ("modle=weighted", Told(Mistake.KEY, "modle")),
    ("model@other=weighted", Told(Mistake.KEY, "model")),
    ("seed=many", Told(Mistake.VALUE, "seed")),
    ("split.train=most", Told(Mistake.VALUE, "split.train")),
    ("data.duplicates=shred", Told(Mistake.VALUE, "data.duplicates")),
    ("model=wieghted", Told(Mistake.OPTION, "model/wieghted")),
    ("backend=moon", Told(Mistake.OPTION, "backend/moon")),
]


@pytest.mark.parametrize(("override", "told"), CASES)
def test_what_an_error_is_about(monkeypatch, override, told):
    monkeypatch.delenv("FRAUDLAB_NOT_SET", raising=False)
    assert read(error(override)) == told


def test_every_mistake_is_raised_here():
    assert {told.mistake for _, told in CASES} == set(Mistake) - {Mistake.OTHER}
    assert read(ValueError("something else")) == Told(Mistake.OTHER)


@pytest.mark.parametrize("name", PROSE)
def test_no_prose_is_read_in_vain(monkeypatch, name):
    """Without it some error above is not told: it is what these versions say, and there is no other way."""
    monkeypatch.setattr(hydra_errors, name, re.compile(r"(?!)(.)"))
    assert any(read(error(override)) != told for override, told in CASES)


@pytest.mark.parametrize("package", PROSE_OF)
def test_the_prose_is_that_of_the_versions_that_are_installed(package):
    assert version(package).startswith(PROSE_OF[package] + ".")
